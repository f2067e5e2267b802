"""A model file in the forms that boards take."""
