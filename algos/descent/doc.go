// Package descent is block coordinate descent for linear models whose penalty makes
// most coefficients 0: over intercept b0 and coefficients b it minimises
//
//	P(b) = mean of loss(y, b0 + x.b) + lambda (l1 |b|_1 + (1 - l1) |b|^2 / 2)
//
// with the squared or the logistic loss; in place of |b|_1 there may be the norms of
// groups of coefficients, each times the root of its size. [Part] is the side of a
// part of the rows, [Model] that of the scheduler; package lasso makes an algorithm of
// them. The data stay where they are. A round is
//
//	schedule  a block of coefficients, with those that changed lately and their values
//	push      each part: slopes x_j.r of the block, and what the block's problem needs
//	pull      sums over the parts, and new coefficients
//
// where r is the negative slope of each row's loss: y - b0 - x.b if it is squared.
//
// # Working sets
//
// An evaluation is a pass over the columns: the slopes of all of them, from which come
// a certificate, see below, and the next working set: the coefficients in use, those
// that violate their condition, and some that nearly do (Johnson and Guestrin, "Blitz",
// ICML 2015; Massias, Gramfort and Salmon, "Celer", ICML 2018). The scheduler then
// solves the problem of the working set as a whole. It has the data for that in one of
// two forms, whichever is fewer numbers:
//
//	products  G_jk = x_j.H x_k of all pairs, H the curvatures of the rows' losses
//	columns   the values of the columns themselves, and H
//
// of which it asks for what it does not know from the round before. So a round costs
// the same however the coefficients correlate, and there are some ten of them.
//
// A solution with few coefficients is found in little time, and is a good start for
// one with more: on the way to lambda the rounds solve problems with larger ones
// roughly, each 0.6 times the one before.
//
// # A block's problem
//
// is a quadratic with a penalty ([Solver]): sweeps of coordinate descent, which find
// the signs, and steps of Newton's method for those, by conjugate gradients. What makes
// these slow is coefficients whose columns nearly agree. The products show which those
// are: they are put into clusters of up to 64, and the clusters solved exactly make the
// preconditioner. On 10,000 x 1,000,000 values with correlated neighbours it takes a
// twelfth of the products that it takes without.
//
// Where the loss is logistic, the quadratic is that of the current coefficients; if the
// objective rises, the next round goes half the way back.
//
// # Centring and scaling
//
// Neither x nor y is changed. With an intercept columns count less their mean, m_j
// (weighted by H), and if standardised over their deviation s_j:
//
//	z_j = (x_j.r - m_j sum r) / s_j        G_jk = (x_j.H x_k - m_j m_k sum H) / (s_j s_k)
//
// The penalty is on the scaled coefficients; tables and blocks hold w_j = b_j/s_j. A
// column that is constant up to rounding keeps the coefficient 0.
//
// # Parts by features
//
// Where there are few rows and very many features, a part may be a range of features with
// all rows. It sends no more than its own slopes then. What it needs of other parts is what
// they add to predictions: the scheduler, which has the columns of each block, keeps those in
// the table "predictions", for the parts to see at each evaluation. Blocks are always known
// by columns, and what belongs to rows comes from the first part. Cross-validation deals rows
// by their numbers. The schedules of the papers want parts that are ranges of rows.
//
// # Certificates
//
// Each evaluation gives a duality gap, so that [stop] tolerance = 1e-6 means
// P(b) - P* <= 1e-6 P(b). It also proves of many coefficients that they are 0 at the
// optimum; once that is most of them, evaluations look at the others only.
//
// # Schedules of the papers
//
// Beside working sets there are blocks by package schedule, of which each coefficient
// takes the step that is best for it alone, so that blocks of correlated ones may
// diverge; "checked" leaves out what correlates, as the parts measure it, and "exact"
// solves blocks. Rounds of the others may overlap.
package descent
