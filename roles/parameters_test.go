package roles_test

import (
	"path/filepath"
	"testing"
)

// parameterProbes are those of the algorithms. dir holds the data of rows.
func parameterProbes(dir string) map[string]probe {
	one := []string{"algorithm.block=1"}
	priority := append(one, "algorithm.schedule=priority")
	sweeps := []string{"algorithm.mode=data", "algorithm.slices=1", "algorithm.burn_in=1"} // as many as clocks
	all := map[string]probe{
		"dml algorithm.rank": {value: "2", seen: func(t *testing.T, got outcome, _ func() outcome) {
			is(t, "rows of L", got.manifest(t).Tables[0].Width, 2)
		}},
		"dml algorithm.lambda":      {value: "1", seen: another},
		"dml algorithm.threshold":   {value: "3", seen: another},
		"dml algorithm.step":        {value: "0.1", seen: another},
		"dml algorithm.candidates":  {value: "2", seen: another},
		"dml algorithm.batch":       {value: "4", seen: another},
		"dml algorithm.pairs":       {value: "10", seen: another},
		"dml algorithm.standardize": {value: "false", seen: another},

		"lda algorithm.topics": {value: "7", seen: func(t *testing.T, got outcome, _ func() outcome) {
			is(t, "columns of words", got.manifest(t).Tables[0].Width, 7)
		}},
		"lda algorithm.alpha":          {value: "0.7", seen: another},
		"lda algorithm.beta":           {value: "0.5", seen: another},
		"lda algorithm.optimize_alpha": {value: "false", with: sweeps, seen: another},
		"lda algorithm.optimize_beta":  {value: "true", with: sweeps, seen: another},
		"lda algorithm.burn_in":        {value: "4", with: sweeps, seen: another},
		"lda algorithm.sampler":        {value: `"plain"`, seen: another},
		"lda algorithm.mode": {value: `"data"`, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "clocks to a sweep", float64(got.Clocks)/got.Epochs, 2)
			is(t, "by default", float64(plain().Clocks)/plain().Epochs, 4)
		}},
		"lda algorithm.slices": {value: "6", seen: func(t *testing.T, got outcome, _ func() outcome) {
			is(t, "clocks to a sweep", float64(got.Clocks)/got.Epochs, 6)
		}},
		"lda algorithm.rows": {value: `"packed"`, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "columns of words", plain().manifest(t).Tables[0].Width, 100)
			is(t, "columns of packed words", got.manifest(t).Tables[0].Width <= 1, true)
		}},
		"lda algorithm.memory": {value: "1", with: []string{"algorithm.mode=data", "algorithm.topics=20000"}, refused: "algorithm.memory"},

		"lasso algorithm.lambda":       {value: "0.03", with: []string{"algorithm.lambda_ratio=0", "algorithm.lambda=0.01"}, seen: another},
		"lasso algorithm.lambda_ratio": {value: "0.3", seen: another},
		"lasso algorithm.standardize":  {value: "false", seen: another},
		"lasso algorithm.intercept":    {value: "false", seen: another},
		"lasso algorithm.loss":         {value: `"logistic"`, seen: func(t *testing.T, got outcome, _ func() outcome) { has(t, got, "train_logloss", true) }},
		"lasso algorithm.l1_ratio":     {value: "0.5", seen: another},
		"lasso algorithm.groups":       {value: `"2"`, seen: another},
		"lasso algorithm.path":         {value: "3", seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "stages", len(got.Path), 3) }},
		"lasso algorithm.folds": {value: "4", with: []string{"algorithm.path=5"}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			has(t, got, "cv_error", true)
			has(t, plain(), "cv_error", false)
		}},
		"lasso algorithm.select": {value: `"1se"`, with: []string{"algorithm.path=20", "algorithm.folds=4"}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			least := plain()
			near(t, "lambda of 1se", got.Metrics["lambda"], got.Metrics["cv_lambda_1se"], 1e-12)
			near(t, "lambda of min", least.Metrics["lambda"], least.Metrics["cv_lambda_min"], 1e-12)
			is(t, "1se is larger", got.Metrics["lambda"] > least.Metrics["lambda"], true)
		}},
		"lasso algorithm.schedule": {value: `"round-robin"`, with: one, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "rounds to an epoch", float64(got.Clocks)/got.Epochs, 4)
			is(t, "by default", float64(plain().Clocks)/plain().Epochs, 1)
		}},
		"lasso algorithm.block": {value: "1", with: []string{"algorithm.schedule=random"}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "rounds to an epoch", float64(got.Clocks)/got.Epochs, 4)
			is(t, "by default", float64(plain().Clocks)/plain().Epochs, 1)
		}},
		"lasso algorithm.schedulers": {value: "2", with: priority, seen: another},
		"lasso algorithm.rho":        {value: "1.0", with: []string{"algorithm.schedule=checked", "algorithm.block=4"}, seen: another},
		"lasso algorithm.priority":   {value: `"value"`, with: priority, seen: another},

		"logreg algorithm.loss":             {value: `"hinge"`, refused: "algorithm.loss"},
		"logreg algorithm.delta":            {value: "0", refused: "algorithm.delta"}, // of no loss that it has
		"logreg algorithm.multi":            {value: `"ovr"`, with: []string{"data.train=" + filepath.Join(dir, "three.csv")}, seen: another},
		"svm algorithm.loss":                {value: `"hinge"`, seen: another},
		"svm algorithm.delta":               {value: "0", refused: "algorithm.delta"},
		"svm algorithm.multi":               {value: `"softmax"`, refused: "algorithm.multi"},
		"regression algorithm.loss":         {value: `"poisson"`, seen: another},
		"regression algorithm.delta":        {value: "0.1", with: []string{"algorithm.loss=huber"}, seen: another},
		"regression algorithm.multi":        {value: `"softmax"`, refused: "algorithm.multi"},
		"logreg algorithm.balanced":         {value: "true", with: []string{"data.train=" + filepath.Join(dir, "three.csv")}, seen: another},
		"svm algorithm.balanced":            {value: "true", with: []string{"data.train=" + filepath.Join(dir, "three.csv")}, seen: another},
		"regression algorithm.balanced":     {value: "true", refused: "algorithm.balanced"},
		"logreg algorithm.class_weight":     {value: `["1:3"]`, seen: another},
		"svm algorithm.class_weight":        {value: `["1:3"]`, seen: another},
		"regression algorithm.class_weight": {value: `["1:3"]`, refused: "algorithm.class_weight"},
	}
	ratings := []string{"data.format=ratings", "data.train=" + filepath.Join(dir, "rated")}
	for key, value := range map[string]string{"lambda": "0.2", "biases": "false", "bias_lambda": "0.5", "nonnegative": "true", "rate": "0.3",
		"bias_rate": "0.1", "decay": "9", "spread": "0.2"} {
		all["mf algorithm."+key] = probe{value: value, with: ratings, seen: another}
	}
	all["mf algorithm.solver"] = probe{value: `"exact"`, refused: "algorithm.solver"} // there is but one
	all["mf algorithm.rank"] = probe{value: "3", with: ratings, seen: func(t *testing.T, got outcome, _ func() outcome) {
		is(t, "values of a row", got.manifest(t).Tables[0].Width, 4)
	}}
	all["mf algorithm.patience"] = probe{value: "2", with: append(ratings, "data.test="+filepath.Join(dir, "rated"), "stop.clocks=100000", "algorithm.rate=1.0", "algorithm.lambda=0"),
		seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "reason", got.StopReason, "patience") }}
	for _, name := range []string{"logreg", "svm", "regression"} {
		name += " algorithm."
		all[name+"lambda"] = probe{value: "0.1", seen: another}
		all[name+"C"] = probe{value: "1.5", seen: another}
		all[name+"penalty"] = probe{value: `"l1"`, seen: another}
		all[name+"alpha"] = probe{value: "0.7", with: ftrl, seen: another}
		all[name+"beta"] = probe{value: "3", with: ftrl, seen: another}
		all[name+"batch"] = probe{value: "20", with: ftrl, seen: another}
		all[name+"late"] = probe{value: `"mean"`, with: ftrl, seen: another}
		all[name+"tail"] = probe{value: "30", with: ftrl, seen: another}
		all[name+"tail_bits"] = probe{value: "7", refused: "algorithm.tail_bits"} // how many shows with many features only
		all[name+"blocks"] = probe{value: "3", with: []string{"algorithm.solver=proximal"}, seen: another}
		all[name+"path"] = probe{value: "3", seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "stages", len(got.Path), 3) }}
		all[name+"path_from"] = probe{value: "10", with: []string{"algorithm.path=2"}, seen: func(t *testing.T, got outcome, _ func() outcome) {
			near(t, "first lambda", got.Path[0].Metrics["lambda"], 10*got.Path[1].Metrics["lambda"], 1e-9)
		}}
		all[name+"l1_ratio"] = probe{value: "0.9", with: []string{"algorithm.penalty=elastic", "algorithm.lambda=0.01"}, seen: another}
		all[name+"intercept"] = probe{value: "true", seen: another}
		all[name+"unpenalised_intercept"] = probe{value: "true", with: []string{"algorithm.intercept=true", "algorithm.lambda=0.01"}, seen: another}
		all[name+"solver"] = probe{value: `"dual"`, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "clocks to an epoch of dual", float64(got.Clocks)/got.Epochs, 10)
			is(t, "by default, of newton", float64(plain().Clocks)/plain().Epochs, 2)
		}}
	}
	return all
}
