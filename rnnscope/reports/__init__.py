"""What is seen: in the terminal (`terminal`), as pictures (`figures`), as a page that opens anywhere (`html`), and in a
notebook (`notebook`); with one scale of colours (`scale`), and a unit described on a card (`description`).
"""
