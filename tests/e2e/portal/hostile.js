// What is wrong with a page that shows hostile texts; nothing, if all is well. As web/tests/xss/corpus.test.ts has it for
// what Markdown becomes, and beyond it for the whole document.
(roots) => {
  const SHOWN = new Set(
    ("a b blockquote br button code col colgroup del details div em figcaption figure h3 h4 h5 h6 hr img li ol p path pre " +
      "section span strong summary sup svg table tbody td th thead tr ul").split(" "),
  );
  const MATHML = "http://www.w3.org/1998/Math/MathML";
  const found = [];
  for (const root of document.querySelectorAll(roots)) {
    for (const element of root.querySelectorAll("*")) {
      const name = element.localName;
      if (!SHOWN.has(name) && element.namespaceURI !== MATHML) found.push(`element ${name}`);
      if (element.id && !element.id.startsWith("note-")) found.push(`id ${element.id}`);
      if (name === "img" && !/^data:image\/(?:png|jpeg|gif|webp);base64,/.test(element.src)) found.push(`image ${element.src}`);
      if (element.hasAttribute("style") && getComputedStyle(element).position === "fixed") found.push(`fixed ${name}`);
    }
  }
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (/^on|^(?:srcdoc|formaction|action|srcset|background|ping|http-equiv|xlink:href)$/i.test(name)) found.push(`${name} of ${element.localName}`);
      if (/^\s*(?:javascript|vbscript|file):/i.test(value) && /^(?:href|src|data|to|values)$/i.test(name)) found.push(`${name} ${value}`);
    }
    if (element.localName === "script" && !element.src.startsWith(location.origin)) found.push("script");
    if (/^(?:base|object|embed|applet|frame|frameset)$/.test(element.localName)) found.push(`element ${element.localName}`);
    if (element.localName !== "a" || !element.href) continue;
    if (!/^(?:https?|mailto):$/.test(element.protocol)) found.push(`link ${element.href}`);
    const leaves = element.protocol.startsWith("http") && element.origin !== location.origin;
    if (leaves && (element.rel !== "noopener noreferrer" || element.target !== "_blank")) found.push(`link ${element.href} without rel`);
  }
  return found;
}
