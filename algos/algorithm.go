// Package algos says what a learning algorithm is, and runs one without knowing
// how its parts are connected: no socket, log or wall clock.
//
// The platform makes one instance of an [Algorithm] for each part of the input,
// in a goroutine of its own, and one for the scheduler. A job goes through
//
//	scan     the parts are parsed and their statistics merged (dataset.Info)
//	tables   every process asks Tables what the job shares
//	load     each part is given to its instance, which opens views
//	prepare  optional: statistics that the tables themselves gather
//	rounds   Push, again and again; with a scheduler that chooses, each round is
//	         Schedule, Push by every part, Pull
//	evaluate at a barrier, where every view holds exactly all updates so far
//
// An algorithm cannot fail once it is loaded: a view remembers the first error
// of its tables and the platform stops at the next Clock.
package algos

import (
	"fmt"
	"strings"

	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// Algorithm is all that data-parallel learning needs. Exported fields with a
// toml tag are the parameters, decoded from the job's [algorithm] table over the
// defaults that the constructor set. Each instance is called from one goroutine
// at a time. What an algorithm can do beyond this it says by implementing further
// interfaces below, which the platform looks for: [Validator], [Consistent],
// [Streaming], [Preparer], [Paced], [Predictor], [Mixed], [Measurer], [Paired], [LIBLINEAR], [Namer], [Weighted],
// [ModelParallel], [Windowed], [Detached], [Explainer], [Reporter], [Staged], [Rehearsing],
// [Resumer], [Columnar], [Featurewise], [Summing], [Tested], [Unsupervised], [Stateful], [Savable],
// [Publisher].
type Algorithm interface {
	// Tables declares what the job shares. Every process must get the same
	// answer. It refuses data that the algorithm cannot work with, such as none.
	Tables(d dataset.Info) ([]table.Spec, error)
	// Load takes the part of the input and opens views.
	Load(part *dataset.Part, w *Worker) error
	// Push is the work of one clock: it reads views, writes to them and, if the
	// scheduler pulls, emits. The block is empty where nothing is scheduled. It
	// must not allocate once it has seen its largest block.
	Push(w *Worker, b Block)
	// Evaluate adds what the part contributes to the evaluation. It is called at
	// a barrier, between two clocks, and writes to no view.
	Evaluate(w *Worker, e *Eval)
	// Conclude makes the objective and the metrics out of the sums of all parts
	// and the norms of the tables. Only the scheduler's instance is asked.
	Conclude(d dataset.Info, e *Eval)
}

// ModelParallel is an Algorithm whose scheduler chooses what is updated (Lee et
// al., "On Model Parallelization and Scheduling Strategies for Distributed
// Machine Learning", NIPS 2014). A round is a clock. Schedule and Pull are
// called on the scheduler's instance, whose views are an origin's like any
// other.
//
// Up to a window of rounds is in flight (Scheduler.Window): one under bsp, slack + 1
// under ssp, eight under asp. While the parts push one the next are scheduled, and a
// part may be that many rounds behind another. With a window of W a block is chosen,
// and its values are what was known, before the last W-1 rounds or fewer were pulled
// (Scheduler.InFlight of them): leave out what is in flight, or bear with it. Pull
// takes the rounds in their order, each as soon as it is complete, and what it found
// is known to the next Schedule. At barriers no round is in flight.
type ModelParallel interface {
	Algorithm
	// Begin opens the scheduler's views.
	Begin(s *Scheduler) error
	// Schedule fills in the block of each part for round s.Round. Blocks that are all
	// empty while rounds are in flight begin no round: Schedule is called for it again
	// after the next Pull. With nothing in flight they do. The blocks are copied.
	Schedule(s *Scheduler, blocks []Block)
	// Pull combines what the parts emitted for the blocks of a round, which is the
	// oldest in flight; emitted[p] is of part p. Both are good during the call.
	Pull(s *Scheduler, round consistency.Clock, blocks []Block, emitted [][]float64)
}

// Windowed is a ModelParallel that can follow only so many rounds in flight: 1 if Pull
// must have seen a round before the next is scheduled. The instance has its parameters.
type Windowed interface {
	ModelParallel
	Window() int
}

// Detached is a ModelParallel that may need no tables while rounds go on, and says so
// of an instance that has its parameters: its Push neither reads nor writes a view,
// and Schedule and Pull read nothing in theirs but what they wrote. Then no round waits
// for a server. What was written goes out at the next barrier, in one clock of the
// tables for all rounds since the last, before parts evaluate.
type Detached interface {
	ModelParallel
	Detached() bool
}

func isDetached(a Algorithm) bool {
	d, ok := a.(Detached)
	return ok && d.Detached()
}

// Preparer is an Algorithm that gathers statistics in its tables before the
// first round: Prepare of all parts runs at clock 0, and a barrier follows.
type Preparer interface {
	Algorithm
	Prepare(w *Worker)
}

// Validator is an Algorithm with parameters that its tags cannot describe:
// Validate reports all that makes no sense, before anything starts, as errors.Join
// of a [ParameterError] for each.
type Validator interface {
	Algorithm
	Validate() error
}

// ParameterError is what is wrong with parameters, alone or together. A user is
// shown the place where the first of them that is set stands.
type ParameterError struct {
	Keys []string // names of the parameters, the one to change first
	What string
}

// Refuse makes a ParameterError. keys are names with blanks between them.
func Refuse(keys, format string, args ...any) error {
	return &ParameterError{strings.Fields(keys), fmt.Sprintf(format, args...)}
}

func (e *ParameterError) Error() string { return e.What }

// Parameters are the names of the parameters.
func (e *ParameterError) Parameters() []string { return e.Keys }

// Consistent is an Algorithm whose work depends on how fresh and how exact its reads
// are: every instance is told when it has its parameters, before anything else. exact
// is whether all tables travel as they are. An error is of the parameters, as
// Validate's are: they ask for what such a job cannot do.
type Consistent interface {
	Algorithm
	Under(p consistency.Policy, exact bool) error
}

// Streaming is an Algorithm that can learn from data that is never held in memory.
// Where Streams says so, of an instance that has its parameters, the scan reads only
// some rows of each part (dataset.Info.Sampled), and Load gets a part with nothing but a
// Stream, which it starts: with the same number of slices in every part, which is the
// ClocksPerEpoch of a [Paced] if each Push takes the next slice, perhaps one without
// rows. When the stream fails, the part fails behind that Push.
type Streaming interface {
	Algorithm
	Streams() bool
}

// Paced is an Algorithm that needs several clocks for one pass over the data.
// Without it a clock is an epoch.
type Paced interface {
	Algorithm
	ClocksPerEpoch(d dataset.Info) int
}

// Weighted is an Algorithm that may take the weights of samples (dataset.Part.Weight) into
// account: Weights says whether it does with its parameters, after Validate and Under.
// A job whose samples have weights is refused if its algorithm does not.
type Weighted interface {
	Algorithm
	Weights() bool
}

// TakesWeights says whether an algorithm takes the weights of samples into account.
func TakesWeights(a Algorithm) bool {
	w, ok := a.(Weighted)
	return ok && w.Weights()
}

// Predictor is an Algorithm whose models can be applied to new data.
type Predictor interface {
	Algorithm
	// Task says what a prediction is, for a model of data like d. Before the data is
	// known, d is empty, and only whether it is Regression counts.
	Task(d dataset.Info) Task
	// Predict scores the rows of part with a model, as the task says: scores has
	// Scores(p, d) of them for each row, row by row, and they are all to be set.
	// d describes the data the model was trained on. The instance has its parameters
	// and nothing else; part is any batch of rows, so what is said of a row depends
	// on that row alone.
	Predict(d dataset.Info, m Model, part *dataset.Part, scores []float64) error
}

// Task is what a model predicts.
type Task uint8

// The tasks. Classes are numbered as in dataset.Info.Classes.
const (
	// Regression: the score of a row is its expected label.
	Regression Task = iota
	// Binary: one of two classes; the score is the log-odds of the later one.
	Binary
	// Multiclass: one of K classes, two or more. A row has K scores: logarithms of
	// the probabilities of the classes, all of them less the same number, if any.
	// For one-vs-rest that is log sigmoid of what each class scores.
	Multiclass
	// Margin: one of two classes, the later one if the score is above 0. How large
	// it is means nothing, until a calibration says so.
	Margin
	// Mixture: a row is a mixture of K components, such as topics. A row has K scores:
	// logarithms of the shares of the components, which are 1 together. See [Mixed].
	Mixture
)

// Mixed is a Predictor whose task is Mixture.
type Mixed interface {
	Predictor
	// Components is how many there are in a model of data like d.
	Components(d dataset.Info) int
}

// Measurer is a Predictor whose predictions no label can be held against: it measures
// by itself how well a model fits data.
type Measurer interface {
	Predictor
	// Measure returns sums over the rows of part, any batch of rows; always as many.
	Measure(d dataset.Info, m Model, part *dataset.Part) (sums []float64, err error)
	// Measured makes metrics of the sums over all rows; of none if there were no rows.
	Measured(sums []float64) map[string]float64
}

// Paired is a Predictor of pairs of a row and a feature of the training data, as of users
// and items, whose task is Regression: a row of what it predicts is a pair (see
// dataset.Options.Pairs).
type Paired interface {
	Predictor
	// Rates says whether a score is the rating that is expected; else it is for comparing
	// with other scores of the same row only.
	Rates() bool
	// List finds the features that score highest for each of some rows of the training
	// data, at most most of them, best first. skip(k) is what rows[k] is not to be given,
	// ascending. It calls give for k = 0, 1, ...; what that gets is good during the call.
	List(d dataset.Info, m Model, rows []uint64, most int, skip func(k int) []uint32, give func(k int, features []uint32, scores []float32)) error
}

// Scores is the number of scores of a row that p predicts, with a model of data like d.
func Scores(p Predictor, d dataset.Info) int {
	if m, ok := p.(Mixed); ok && p.Task(d) == Mixture {
		return m.Components(d)
	}
	return p.Task(d).Width(d)
}

// Width is the number of scores of a row, for a model of data like d; of a Mixture see [Scores].
func (t Task) Width(d dataset.Info) int {
	if t == Multiclass {
		return len(d.Classes)
	}
	return 1
}

// LIBLINEAR is a Predictor whose scores are linear, so that LIBLINEAR may have made the
// model: the table "weights" has a float for each feature, and for one key more if
// there is an intercept, which may as well be in a table "intercept" of one key. With
// Multiclass the width is the number of classes.
type LIBLINEAR interface {
	Predictor
	// SolverType is what a model file has to call the solver so that LIBLINEAR
	// predicts the same: L2R_LR, MCSVM_CS (the largest score wins, there are no
	// probabilities), L2R_L2LOSS_SVC, L2R_L1LOSS_SVC_DUAL, L2R_L2LOSS_SVR, ...
	SolverType(d dataset.Info) string
}

// Model is a trained model: the tables as the job left them.
type Model interface {
	// Values returns width values for each of the ascending keys of a table, in
	// float64; of a key that was never written, the initial values.
	Values(table string, keys []uint64) ([]float64, error)
}

// Namer is an Algorithm that says what the keys of its tables are, for people who
// read the model. Without it see [KeyNamesOf].
type Namer interface {
	Algorithm
	KeyNames(d dataset.Info, table string) KeyNames
}

// KeyNames says what the keys of a table are: the first Features of them are
// features of the data, those after them have Names, and all others are numbers.
// With Rows, they are rows of the data, and neither.
// Columns names the values of a key, such as the classes; nil if they have no names.
type KeyNames struct {
	Features uint64
	Rows     bool
	Names    []string
	Columns  []string
}

// KeyNamesOf says what the keys of one of a's tables are. If a does not, they are
// the features where there are as many of them as the data has.
func KeyNamesOf(a Algorithm, d dataset.Info, spec table.Spec) KeyNames {
	if n, ok := a.(Namer); ok {
		return n.KeyNames(d, spec.Name)
	}
	if spec.Keys == d.Features {
		return KeyNames{Features: d.Features}
	}
	return KeyNames{}
}

// Block is what one round asks of a part: to take in the fresh values of the
// first len(Values) keys and to work on the keys after those. What they mean is
// the algorithm's own.
type Block struct {
	Keys   []uint64
	Values []float64
}

// Reset empties the block for reuse.
func (b *Block) Reset() { b.Keys, b.Values = b.Keys[:0], b.Values[:0] }

// Shares reports whether the block has the same memory as another of the same length.
func (b Block) Shares(o Block) bool {
	if len(b.Keys) != len(o.Keys) || len(b.Values) != len(o.Values) {
		return false
	}
	return (len(b.Keys) == 0 || &b.Keys[0] == &o.Keys[0]) && (len(b.Values) == 0 || &b.Values[0] == &o.Values[0])
}

// Fresh returns the keys that carry values, and the values.
func (b Block) Fresh() ([]uint64, []float64) { return b.Keys[:len(b.Values)], b.Values }

// Work returns the keys to work on.
func (b Block) Work() []uint64 { return b.Keys[len(b.Values):] }

// Worker is what the platform is to one part: who it is, its views, and what it
// emits.
type Worker struct {
	Part  int          // 0 to Parts-1
	Parts int          // parts of the whole job
	Info  dataset.Info // of the whole input
	Seed  uint64       // of the job; combine it with Part for numbers of the part's own
	Clock consistency.Clock

	// Start is the clock at which this run of the job began: above 0 where it goes on from
	// a checkpoint. Turns of leases (table.View.Acquire) count from 0 in each run, so take
	// them of Clock-Start.
	Start consistency.Clock

	// Barrier is the clock of the next evaluation, as far as it is known: of a part that
	// pushes without a schedule. Push at Barrier-1 is the last one before it.
	Barrier consistency.Clock

	// Best is the clock of the best evaluation that the scheduler knew of when it last
	// said something, by Eval.Held; -1 where there is none.
	Best consistency.Clock

	client  *table.Client
	local   int // the part's number among those of its origin
	emitted []float64
}

// NewWorker makes the worker of a part whose views go through client, where it
// is part local.
func NewWorker(part, parts int, info dataset.Info, seed uint64, client *table.Client, local int) *Worker {
	return &Worker{Part: part, Parts: parts, Info: info, Seed: seed, Best: -1, client: client, local: local}
}

// Emit sends partial results of this push to pull.
func (w *Worker) Emit(values ...float64) { w.emitted = append(w.emitted, values...) }

// Fail ends the job with an error, behind the Push that meets it: for what only the
// work itself can find out, as tables with content that makes no sense.
func (w *Worker) Fail(err error) { w.client.Fail(fmt.Errorf("part %d: %w", w.Part, err)) }

// Emitted returns what was emitted since the last call; it is good until the
// next Push.
func (w *Worker) Emitted() []float64 {
	e := w.emitted
	w.emitted = w.emitted[:0]
	return e
}

// Scheduler is what the platform is to the scheduler's instance.
type Scheduler struct {
	Parts int
	Info  dataset.Info
	Seed  uint64

	Round    consistency.Clock // that Schedule begins or Pull ends
	Start    consistency.Clock // at which this run of the job began, see Worker.Start
	Window   int               // most rounds in flight, that one included
	InFlight int               // other rounds that are, at this call of Schedule or Pull

	client *table.Client
}

// NewScheduler makes the scheduler of a job whose Pull writes through client.
func NewScheduler(parts int, info dataset.Info, seed uint64, client *table.Client) *Scheduler {
	return &Scheduler{Parts: parts, Info: info, Seed: seed, client: client}
}

// All gives the same block to every part. The parts share its memory.
func (s *Scheduler) All(blocks []Block, b Block) {
	for p := range blocks {
		blocks[p] = b
	}
}

// View opens a view of a part on a table, see table.Open.
func View[T table.Elem](w *Worker, name string, keys table.Set, mode table.Mode) (*table.View[T], error) {
	return table.Open[T](w.client, w.local, name, keys, mode)
}

// SchedulerView opens a view of the scheduler on a table.
func SchedulerView[T table.Elem](s *Scheduler, name string, keys table.Set, mode table.Mode) (*table.View[T], error) {
	return table.Open[T](s.client, 0, name, keys, mode)
}
