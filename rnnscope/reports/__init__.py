"""What is seen: in the terminal (`terminal`) and as pictures (`figures`), with one scale of colours (`scale`)."""
