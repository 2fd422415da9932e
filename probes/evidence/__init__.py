"""What stands beside a probe's accuracy: control tasks, baselines, an untrained network.

probing        what a network knows of a concept: the whole experiment
probe_result   what it has found: a line, a table, a picture, a direction
evaluating     one probe's accuracy, and what has to stand beside it
score          the same as a line, a table, a picture

control        the control task: labels that can only be learnt by heart
division       examples divided once, for all probes
fewest         accuracy against the number of units
"""
