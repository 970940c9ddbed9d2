// Package nudge tells devices over MQTT that a channel has something new, so that
// they look at once and not at their next hour.
//
// A nudge is a hint and nothing more: it carries the number of a release, and is
// not signed. Whoever gets one asks the repository, which is verified as always.
// So the worst that a stranger at the broker can do is to make devices look too
// often, which those who listen bound themselves, or too late.
//
// The topic is edge/nudge/CHANNEL. Messages are retained, so that a device that
// was away hears the latest one when it comes back.
package nudge

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"

	"github.com/edge-adapt/edge/internal/clienttls"
	"github.com/edge-adapt/edge/internal/hint"
)

// Broker is an MQTT 5 broker, and how to be let in.
type Broker struct {
	// URL is mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS.
	URL string
	// ClientID must differ from every other client's: a broker ends the older of
	// two. "" lets the broker choose.
	ClientID string
	Username string
	// PasswordFile holds the password; a line break at its end does not count. ""
	// sends none.
	PasswordFile string
	// CAFile holds the certificates that the broker's is checked against. "": the
	// system's. CertFile and KeyFile show who we are; "": nothing does.
	CAFile, CertFile, KeyFile string
}

// Topic returns the topic of a channel.
func Topic(channel string) string { return "edge/nudge/" + channel }

// Listen calls heard for every nudge of the channel until ctx ends, with the
// number of the release, or 0 for a message that is none; from one goroutine, in
// order. It connects anew when the broker goes away, less and less often, and
// tells trouble, which may be nil, why. The error is that of a configuration that
// can never work; after ctx has ended it is nil.
func Listen(ctx context.Context, b Broker, channel string, heard func(release int), trouble func(error)) error {
	c, err := b.config()
	if err != nil {
		return err
	}
	if trouble == nil {
		trouble = func(error) {}
	}
	c.OnConnectError = func(err error) { trouble(fmt.Errorf("broker %s: %w", b.URL, err)) }
	c.OnConnectionUp = func(m *autopaho.ConnectionManager, _ *paho.Connack) {
		subscription := []paho.SubscribeOptions{{Topic: Topic(channel), QoS: 1}}
		if _, err := m.Subscribe(ctx, &paho.Subscribe{Subscriptions: subscription}); err != nil && ctx.Err() == nil {
			trouble(fmt.Errorf("broker %s: subscribe to %s: %w", b.URL, Topic(channel), err))
		}
	}
	c.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		heard(number(p.Packet.Payload))
		return true, nil
	}}
	m, err := autopaho.NewConnection(ctx, c)
	if err != nil {
		return fmt.Errorf("broker %s: %w", b.URL, err)
	}
	<-m.Done()
	return nil
}

// Send nudges the devices of a channel, and returns once the broker has it.
func Send(ctx context.Context, b Broker, channel string, release int) error {
	c, err := b.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.OnConnectError = func(err error) { cancel(err) } // one try: somebody waits
	m, err := autopaho.NewConnection(ctx, c)
	if err == nil {
		err = m.AwaitConnection(ctx)
	}
	if err == nil {
		_, err = m.Publish(ctx, &paho.Publish{Topic: Topic(channel), QoS: 1, Retain: true, Payload: strconv.AppendInt(nil, int64(release), 10)})
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return hint.Wrap(fmt.Errorf("nudge the devices of channel %q by the broker %s: %w", channel, b.URL, err),
			"what was published stays published: devices find it when they look the next time")
	}
	return m.Disconnect(context.WithoutCancel(ctx))
}

// number reads a payload, 0 if it is not a release's number.
func number(payload []byte) int {
	if len(payload) > 10 {
		return 0
	}
	n, err := strconv.Atoi(string(payload))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// config turns b into paho's settings.
func (b Broker) config() (autopaho.ClientConfig, error) {
	c := autopaho.ClientConfig{
		KeepAlive: 60, CleanStartOnInitialConnection: true, ConnectTimeout: 10 * time.Second, ConnectUsername: b.Username,
		ReconnectBackoff: autopaho.NewExponentialBackoff(time.Second, 5*time.Minute, 2*time.Second, 1.5),
		ClientConfig:     paho.ClientConfig{ClientID: b.ClientID},
	}
	u, err := url.Parse(b.URL)
	if err != nil || u.Scheme != "mqtt" && u.Scheme != "mqtts" || u.Hostname() == "" || u.User != nil {
		return c, hint.Wrap(fmt.Errorf("broker %q is not an address", b.URL), "write it as mqtts://HOST:8883, and the password into a file")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), map[string]string{"mqtt": "1883", "mqtts": "8883"}[u.Scheme])
	}
	c.ServerUrls = []*url.URL{u}
	if b.PasswordFile != "" {
		if u.Scheme == "mqtt" && !loopback(u.Hostname()) {
			return c, hint.Wrap(fmt.Errorf("broker %s would get the password unencrypted", b.URL), "use mqtts://")
		}
		if c.ConnectPassword, err = os.ReadFile(b.PasswordFile); err != nil {
			return c, fmt.Errorf("password of the broker: %w", err)
		}
		c.ConnectPassword = trimEnd(c.ConnectPassword)
	}
	c.TlsCfg, err = b.tls(u.Hostname())
	return c, err
}

func (b Broker) tls(host string) (*tls.Config, error) {
	c, err := clienttls.Config(b.CAFile, b.CertFile, b.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("certificates for the broker: %w", err)
	}
	c.ServerName = host
	return c, nil
}

// loopback reports whether host can only be this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}
