"""A report: one HTML file that shows a trace in any browser, with nothing beside it. `page/` is what runs there."""
