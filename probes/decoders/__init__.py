"""Estimators that read a label from many units, in the manner of scikit-learn."""
