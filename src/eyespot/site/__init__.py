"""The static web site of the zoo, or of your own models: pages over the report's sections; nothing is measured."""
