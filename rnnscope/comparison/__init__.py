"""Cells beside each other: equal parameters, each at its own best learning rate, several seeds.

`recipe` reads what is to be compared, `sizing` finds the sizes, `plan` names the runs, `running`
trains them side by side, `measures` looks at each network, and `result` is what comes out.
"""
