package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/configs"
	"petuum/roles/control"
	"petuum/table"
)

// checkTrain looks at the training data; nil if it cannot be read.
func checkTrain(l *list, c *configs.Config, a algos.Algorithm) *Sample {
	s := checkFile(l, "training data", "data.train", c.Data.Train, control.DataOptions(c, a), c.Parts())
	if s != nil && s.Whole && !s.Info.ByFeatures && s.Rows < uint64(c.Parts()) {
		l.warn("parts", "lower cluster.workers, cluster.threads or cluster.parts", "%s for %s: some parts have none",
			plural(int(s.Rows), "row"), plural(c.Parts(), "part"))
	}
	return s
}

// checkTest looks at the test data, if there is any to be used. train may be nil:
// nothing is known of the training data.
func checkTest(l *list, c *configs.Config, a algos.Algorithm, train *Sample) {
	if _, ok := a.(algos.Predictor); !ok || len(c.Data.Test) == 0 || !c.Evaluate.Test {
		return
	}
	o := control.DataOptions(c, a)
	if train != nil && train.Whole {
		o.Like = &train.Info
	}
	o.Stream = false
	checkFile(l, "test data", "data.test", c.Data.Test, o, 1)
}

func checkFile(l *list, name, key string, paths []string, o dataset.Options, parts int) *Sample {
	s, err := quick.look(paths, o, parts)
	if err != nil {
		fix := "set data.format, data.label, data.header or data.base so that the file is read as it is meant, or repair the file"
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			fix = fmt.Sprintf("put the file where this process can read it, under the same path on every worker, or change %s", key)
		}
		l.fail(name, fix, "%s", plain(err))
		return nil
	}
	l.ok(name, "%s", s)
	return &s
}

// String describes the file in a line.
func (s Sample) String() string {
	about, least := "", ""
	if !s.Whole {
		about = "about "
		if !s.Info.Fixed && s.Info.Format == dataset.LIBSVM {
			least = "at least "
		}
	}
	name := filepath.Base(s.Path)
	if s.Files > 1 {
		name += fmt.Sprintf(" and %d more", s.Files-1)
	}
	text := fmt.Sprintf("%s: %s, %s, %s%s, %s%s", name, size(uint64(s.Bytes)), s.Info.Format,
		about, plural(int(s.Rows), "row"), least, plural(int(s.Info.Features), "feature"))
	switch n := len(s.Info.Classes); {
	case n > 4:
		text += fmt.Sprintf(", %s", plural(n, "label"))
	case n > 0:
		text += ", labels " + strings.Join(s.Info.Classes, " ")
	default:
		text += fmt.Sprintf(", labels %.4g to %.4g", s.Info.LabelMin, s.Info.LabelMax)
	}
	switch {
	case s.Whole:
	case compression(s.Path) != "":
		text += " (its beginning was read)"
	default:
		text += " (first and last lines of parts were read)"
	}
	return text
}

// info is the sample with the estimated numbers of the whole file.
func (s Sample) info() dataset.Info {
	i := s.Info
	if i.Rows > 0 && !s.Whole {
		i.Counts = slices.Clone(i.Counts)
		for k, n := range i.Counts {
			i.Counts[k] = uint64(float64(n) * float64(s.Rows) / float64(s.Info.Rows))
		}
	}
	i.Rows, i.NonZeros = s.Rows, s.Cells
	return i
}

// checkTables asks the algorithm what it makes of the data; nil if it refuses.
func checkTables(l *list, c *configs.Config, a algos.Algorithm, s Sample) []table.Spec {
	specs, err := control.Tables(c, a, s.info())
	if err != nil && !s.Whole {
		l.warn("labels", "look whether the rest of the data is different", "%s in the lines that were read: %v", c.Job.Algorithm, err)
		return nil
	}
	if err != nil {
		l.fail("labels", "choose another algorithm, or the column of the labels by data.label", "%v", err)
		return nil
	}
	var names []string
	for _, t := range specs {
		names = append(names, fmt.Sprintf("%s (%s x %d %s)", t.Name, plural(int(t.Keys), "key"), max(t.Width, 1), t.Type))
	}
	l.ok("tables", "%s", strings.Join(names, ", "))
	return specs
}
