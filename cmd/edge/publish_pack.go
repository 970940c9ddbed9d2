package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/models/publish"
)

func (a *app) publishPackCommand(f *publishFlags) *cobra.Command {
	o, valid := publish.PackOptions{}, ""
	cmd := &cobra.Command{
		Use:   "pack FILE",
		Short: "Write a channel to one file, for devices without a network",
		Long: `Write the channel and the files of its releases to FILE, which a device takes from a
stick: edge update apply --from FILE. (A plain copy of the folder public/ does as well.)

Devices refuse it once its timestamp has expired. --valid makes one that lives longer;
who has the file can keep an offline device at it for that long.`,
		Example: "  edge publish pack stick.tar --valid 60d",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if valid != "" {
				life, err := publish.ParseLife(valid)
				if err != nil || life <= 0 {
					return usageError{fmt.Errorf("--valid: %q: want for example 60d", valid), cmd.CommandPath()}
				}
				o.Valid = time.Duration(life)
			}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			file, err := renameio.NewPendingFile(args[0], renameio.WithTempDir(filepath.Dir(args[0])), renameio.WithPermissions(0o644))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, file.Cleanup()) }() // nothing, once it has its name
			p := newProgress(a.stderr, a.quiet)
			defer p.close()
			o.Progress = func(done, total int64) { p.update("pack", "pack", int(done), int(total)) }
			done, err := r.Pack(cmd.Context(), file, o)
			if err != nil {
				return publishError(err)
			}
			if err := file.CloseAtomicallyReplace(); err != nil {
				return err
			}
			p.close()
			if a.json {
				return a.print(done)
			}
			_, err = fmt.Fprintf(a.stdout, "channel %s with releases %v, %s; devices accept it until %s\n",
				done.Channel, done.Releases, humanize.IBytes(uint64(done.Bytes)), done.Expires.Local().Format("2006-01-02 15:04"))
			return err
		},
	}
	cmd.Flags().StringVar(&o.Channel, "channel", "stable", "channel to pack")
	cmd.Flags().IntSliceVar(&o.Numbers, "release", nil, "releases to pack (default the newest of each task)")
	cmd.Flags().StringVar(&valid, "valid", "", "how long devices accept it, as 60d (default as long as what is served)")
	return cmd
}
