// Before the first paint: the theme somebody chose in this browser, so that nothing flashes.
try {
  const theme = localStorage.getItem("potluck.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off: the system's theme it is.
}
