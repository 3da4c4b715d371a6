"""What stands in an image prompt beside words, and the text in which a picture keeps how it was made."""
