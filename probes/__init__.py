"""What a unit may track, and the estimators that read it from many units."""
