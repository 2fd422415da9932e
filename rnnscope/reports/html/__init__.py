"""A report: one HTML file that shows a trace in any browser, with nothing beside it. `page/` is what runs there.

In the order in which a report is made; each module uses those that stand below or beside it, never one above:

- `reporting`: `report`, from what a user gives to the file; `page_of`: the same for a trace alone, as a notebook
  shows it
- what is read and found out: `reading` (traces, of a text that is read now or was before), `subject` (one network and
  all that is known of it), `cards` (each unit), `filling` (what a page has beside the units: ablations, partners
  elsewhere, `model_panels`), `panels` and `sentences` (results with a picture and words of their own)
- what there is room for: `stretches` (what one screen shows), `survey` (what each unit takes), `telling` (which units
  tell most), `choosing` (which go in, and how finely) and `room` (which have gone in)
- the file: `building` (the page's data, packed until it is small enough) of `guesses` (text, costs, guesses),
  `signals` (values of units, by `quantising`), `findings` (concepts, ablations, partners), `notes` (what the page says
  of itself), `colours` and `plain` (numbers as JSON has them); `blocks` (compressed data) and `assembling` (styles,
  scripts, data, one policy)
"""
