"""The verbs of images that become servers."""
