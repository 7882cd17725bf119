"""What is on the screen: nouns. Layouts name questions and never ask them."""
