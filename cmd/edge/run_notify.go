package main

import (
	"context"
	"log/slog"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
)

// notifier tells systemd how the daemon is. Without systemd it does nothing.
type notifier struct {
	log *slog.Logger
	// alive returns when every part that must answer has answered.
	alive func(ctx context.Context) error
}

func (n *notifier) tell(state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		n.log.Warn("systemd was not told", "state", state, "error", err)
	}
}

func (n *notifier) ready()    { n.tell(systemd.SdNotifyReady) }
func (n *notifier) stopping() { n.tell(systemd.SdNotifyStopping) }

// reloading is for Type=notify-reload, which wants the time too.
func (n *notifier) reloading() {
	n.tell(systemd.SdNotifyReloading + "\n" + systemd.SdNotifyMonotonicUsec())
}

// status is the line that `systemctl status` shows.
func (n *notifier) status(text string) { n.tell("STATUS=" + text) }

// watchdog tells systemd that the daemon is alive, as often as it wants to know,
// and only while it is. It returns when ctx ends.
func (n *notifier) watchdog(ctx context.Context) {
	every, err := systemd.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("no watchdog", "error", err)
	}
	if err != nil || every <= 0 {
		return
	}
	tick := time.NewTicker(every / 3)
	defer tick.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, every/3)
		err := n.alive(asked)
		cancel()
		if err == nil {
			n.tell(systemd.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			n.log.Error("the daemon does not answer itself; the watchdog is not told", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
