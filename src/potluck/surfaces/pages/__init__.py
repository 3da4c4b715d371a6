"""The few pages that one-time links lead to, and where one signs in: whole, without the portal."""
