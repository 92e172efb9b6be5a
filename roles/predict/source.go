package predict

import (
	"context"
	"io"
	"os"
	"slices"

	"petuum/algos/dataset"
)

// Open opens data: files one after the other, or stdin if
// paths is "-" alone. If a model was trained on text and one of them is a folder, every
// file is a document. If ctx ends a read of stdin does, too. The caller closes the reader.
func Open(ctx context.Context, paths []string, stdin io.Reader, o dataset.Options) (*dataset.Reader, error) {
	if len(paths) == 1 && paths[0] == "-" {
		return dataset.OpenStream("stdin", interruptible(ctx, stdin), o)
	}
	if o.Like != nil && o.Like.Format == dataset.Text && slices.ContainsFunc(paths, isFolder) {
		o.Document = dataset.OneFile
	}
	return dataset.Open(paths, o)
}

// isFolder says whether a path is of a folder.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// interruptible reads r until ctx ends. What it starts ends with r, which may be
// with the process.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	ours, theirs := io.Pipe()
	context.AfterFunc(ctx, func() { theirs.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.Copy(theirs, r)
		theirs.CloseWithError(err)
	}()
	return ours
}
