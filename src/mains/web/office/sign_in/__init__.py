"""How people sign in: rules of passwords, delays, second factors, single sign-on, limits of sessions."""
