"""What is seen of a network, with one scale of colours (`scale`) everywhere.

- in the terminal: `terminal`, and what is known of a unit on a card, `description`
- as pictures, on `sheets` of a paper's width: `heatmaps` and `coloured_text`; `figures` writes any picture to files
- as a page that opens anywhere, `html`; and in a notebook, `notebook`
- what these share: an `ordering` of units
"""
