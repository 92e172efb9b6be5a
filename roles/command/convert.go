package command

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"petuum/algos/dataset"
)

// convertCommand makes binary files of data.
func (p *program) convertCommand() *cli.Command {
	return &cli.Command{
		Name: "convert", Usage: "write data as a .petuum file, which jobs map into memory", ArgsUsage: "FILE...",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`file` to write, NAME.petuum"},
			&cli.IntFlag{Name: "parts", Value: 1, Usage: "parts of the file: those of the job (cluster.parts)"},
			partitionFlag(),
		}, dataFlags()...),
		Action: convertData,
		Description: "Files are one input, read as data stat reads them, but labels have to be there. Two words\n" +
			"become the labels -1 and 1, more of them 0, 1, 2 ...; numbers become float32. A .petuum file\n" +
			"has neither weights of rows nor names of features: groups of the categories of a column are\n" +
			"no longer known.\n\n" +
			"   petuum data convert train.libsvm.gz --parts 2 -o train.petuum\n" +
			"   petuum data convert wide.petuum --partition rows --parts 4 -o rows.petuum\n\n" +
			"Memory: the data by columns, 6 to 12 bytes a value and 16 a feature, and some 20 bytes a row;\n" +
			"a .petuum file is mapped instead. Besides, 1 MiB a part.",
	}
}

func convertData(c *cli.Context) error {
	paths, to := c.Args().Slice(), c.String("output")
	switch format, err := genFormat(to, ""); {
	case len(paths) == 0:
		return usagef("data convert: which data? petuum data convert FILE... -o NAME.petuum")
	case len(paths) == 1 && paths[0] == "-":
		return usagef("data convert: standard input cannot be read twice: write it to a file first")
	case to == "":
		return usagef("data convert: --output: which file? A name such as train.petuum")
	case err != nil || format != dataset.Binary:
		return usagef("data convert: --output: %s: want a name that ends in .petuum", to)
	}
	if _, ending := dataset.Compressed(to); ending != "" {
		return usagef("data convert: --output: %s: a binary file is to be mapped: a compressed one will not do", to)
	}
	if _, err := dataset.ByFeatures(c.String("partition"), 0, 0, 0, 1); err != nil {
		return usagef("data convert: --%v", err)
	}
	if n := c.Int("parts"); n < 1 {
		return usagef("data convert: --parts %d: want at least 1", n)
	}
	options := dataOptions(c)
	if err := options.Validate(); err != nil {
		return usageError{err}
	}
	o, err := create(to, c.App.Writer)
	if err != nil {
		return err
	}
	defer o.abort()
	watch := newWatch(c.App.ErrWriter, to, 0, "columns")
	done, err := dataset.Convert(c.Context, paths, options, o.file, c.Int("parts"), c.String("partition"), func(done, columns uint64) {
		watch.total = columns
		watch.progress(done)
	})
	watch.clear()
	if err != nil {
		return err
	}
	if err := o.finish(); err != nil {
		return err
	}
	if err := o.publish(); err != nil {
		return err
	}
	rounded := ""
	if done.Rounded {
		rounded = "; numbers that are no float32 were rounded"
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: %d rows, %d features, %s, %s%s\n", to, done.Info.Rows, done.Info.Features,
		partsOf(c.Int("parts"), done.ByFeatures), size(done.Bytes), rounded)
	return err
}
