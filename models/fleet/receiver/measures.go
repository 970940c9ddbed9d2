package receiver

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// measures are what Prometheus is told. The fleet's numbers are asked for when it asks.
type measures struct {
	receiver *Receiver
	requests *prometheus.CounterVec
	handler  http.Handler

	devices, versions, stuck, releases, following, over, halted *prometheus.Desc
}

func newMeasures(r *Receiver) *measures {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("edge_fleet_"+name, help, labels, nil)
	}
	m := &measures{
		receiver: r,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "edge_fleet_requests_total", Help: "Requests by route and status.",
		}, []string{"route", "status"}),
		devices:   describe("devices", "Devices by state; one may be in several.", "state"),
		versions:  describe("version_devices", "Devices by version of edge, the commonest versions.", "version"),
		stuck:     describe("stuck_devices", "Devices whose updates do not get through."),
		releases:  describe("release_devices", "Devices by what they did with a release.", "channel", "release", "state"),
		following: describe("channel_devices", "Devices by the channel that they follow.", "channel"),
		over:      describe("release_over_limit", "1 for a release that too many devices went back from and whose roll-out could not be halted.", "channel", "release"),
		halted:    describe("release_halted_timestamp_seconds", "When the receiver halted the roll-out of a release last.", "channel", "release"),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m, m.requests)
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError, Timeout: 30 * time.Second})
	return m
}

// request counts one. route is a pattern of ours.
func (m *measures) request(route string, status int) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
}

func (m *measures) serve(w http.ResponseWriter, req *http.Request) error {
	m.handler.ServeHTTP(w, req)
	return nil
}

// Describe implements prometheus.Collector.
func (m *measures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.devices, m.versions, m.stuck, m.releases, m.following, m.over, m.halted} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *measures) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	f, err := m.receiver.fleet(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(m.devices, err)
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	d := f.Devices
	for state, n := range map[string]int{"total": d.Total, "silent": d.Silent, "never": d.Never, "not_ready": d.NotReady, "blocked": d.Blocked} {
		gauge(m.devices, float64(n), state)
	}
	gauge(m.stuck, float64(d.Stuck))
	for _, v := range f.Versions {
		gauge(m.versions, float64(v.Devices), v.Name)
	}
	for _, c := range f.Channels {
		gauge(m.following, float64(c.Devices), c.Name)
	}
	for _, v := range f.Releases {
		number := strconv.Itoa(v.Release)
		for state, n := range map[string]int{"activated": v.Activated, "active": v.Active, "refused": v.Refused, "rolled_back": v.RolledBack} {
			gauge(m.releases, float64(n), v.Channel, number, state)
		}
		if v.Halt != nil {
			gauge(m.halted, float64(v.Halt.When.UnixMilli())/1000, v.Channel, number)
		}
	}
	for _, o := range f.Over {
		gauge(m.over, 1, o.Channel, strconv.Itoa(o.Release))
	}
}
