"""Estimators that read a label from many units, in the manner of scikit-learn.

linear         logistic regression on all units
sparse         logistic regression on exactly k units
single_unit    a threshold on one unit
mdl            how few bits the labels cost who knows the units
time_probe     a probe for each step, tested at all

base           what probes share
fitting        a probe, trained and asked
logistic       logistic regression by passes over batches
standardised   the values of units with mean 0 and deviation 1
"""
