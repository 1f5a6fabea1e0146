"""Every page of the site, as pure text: same files in, same bytes out."""
