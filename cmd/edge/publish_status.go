package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/models/release"
)

func (a *app) publishStatusCommand(f *publishFlags) *cobra.Command {
	verify := false
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show roles and their keys, channels and their releases, and what waits",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := f.open(a)
			if err != nil {
				return err
			}
			st, err := r.Status(cmd.Context())
			if err != nil {
				return publishError(err)
			}
			if verify {
				p := newProgress(a.stderr, a.quiet)
				defer p.close()
				err := r.Verify(cmd.Context(), func(done, total int64) { p.update("verify", "verify", int(done), int(total)) })
				p.close()
				if err != nil {
					return publishError(err)
				}
			}
			if a.json {
				return a.print(st)
			}
			return a.printRepository(st)
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "read every file too, and compare it with what is signed")
	return cmd
}

func (a *app) printRepository(st publish.Status) error {
	var out strings.Builder
	roles := newTable("role", "version", "expires", "signatures", "keys")
	for _, s := range st.Roles {
		roles.AppendRow([]any{s.Role, s.Version, expiryText(st.Time, s), fmt.Sprintf("%d needed", s.Threshold), keysText(s.Keys)})
	}
	fmt.Fprintln(&out, roles.Render())
	for _, c := range st.Channels {
		fmt.Fprintf(&out, "\nchannel %s, of %s\n", c.Name, c.Updated.Local().Format("2006-01-02 15:04"))
		if len(c.Releases) == 0 {
			fmt.Fprintln(&out, "no releases yet")
			continue
		}
		t := newTable("release", "task", "base", "files", "roll-out", "")
		for _, rel := range c.Releases {
			t.AppendRow([]any{rel.Number, taskText(rel), rel.Base.Name, filesText(rel), fmt.Sprintf("%v %%", rel.Rollout.Percent), stateText(rel)})
		}
		fmt.Fprintln(&out, t.Render())
	}
	fmt.Fprintf(&out, "\n%d files, %s\n", st.Files, humanize.IBytes(uint64(st.Bytes)))
	for _, s := range st.Staged {
		fmt.Fprintf(&out, "%s %d waits: %d of %d signatures\n", s.Role, s.Version, s.Have, s.Want)
	}
	_, err := fmt.Fprint(a.stdout, out.String())
	return err
}

func expiryText(now time.Time, s publish.RoleStatus) string {
	text := s.Expires.Local().Format("2006-01-02 15:04")
	switch {
	case s.Expired:
		return text + " (expired)"
	case s.Soon:
		return fmt.Sprintf("%s (in %.0f days)", text, s.Expires.Sub(now).Hours()/24)
	}
	return text
}

func keysText(keys []publish.KeyStatus) string {
	var texts []string
	for _, k := range keys {
		texts = append(texts, strings.TrimSpace(k.ID[:min(8, len(k.ID))]+" "+k.Reference))
	}
	return strings.Join(texts, ", ")
}

func taskText(rel release.Release) string {
	if rel.Task == "" {
		return "(every)"
	}
	return rel.Task
}

func filesText(rel release.Release) string {
	var texts []string
	if rel.Base.Full != nil {
		texts = append(texts, "base "+humanize.IBytes(uint64(rel.Base.Full.Bytes)))
	}
	if n := len(rel.Base.Deltas); n > 0 {
		least := rel.Base.Deltas[0].Bytes
		for _, d := range rel.Base.Deltas {
			least = min(least, d.Bytes)
		}
		texts = append(texts, fmt.Sprintf("%d deltas from %s", n, humanize.IBytes(uint64(least))))
	}
	if rel.Head != nil {
		texts = append(texts, "head "+humanize.IBytes(uint64(rel.Head.Bytes)))
	}
	return strings.Join(texts, ", ")
}

func stateText(rel release.Release) string {
	switch {
	case rel.Revoked != "":
		return "revoked: " + rel.Revoked
	case rel.Rollout.Halted != "":
		return "halted: " + rel.Rollout.Halted
	}
	return ""
}
