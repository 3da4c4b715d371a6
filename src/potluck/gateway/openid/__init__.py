"""Sign-in by an OpenID Connect provider. Imported when somebody first signs in so: Authlib takes 15 MB."""
