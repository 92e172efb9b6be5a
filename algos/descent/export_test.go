package descent

// Deal is what gives rows their folds, so that a test can leave them out by itself.
var Deal = deal
