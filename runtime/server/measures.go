package server

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// measures are the server's instruments.
//
//	edge_http_requests_total{method,route,code}     requests, by the class of their status: 2xx, 4xx, …
//	edge_http_request_seconds{method,route}         how long they took
//	edge_http_requests_in_flight                    requests and event streams being served
type measures struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMeasures(registry *prometheus.Registry) (*measures, error) {
	m := &measures{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "edge_http_requests_total", Help: "Requests, by the class of their status.",
		}, []string{"method", "route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "edge_http_request_seconds", Help: "From the head of a request to the end of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "edge_http_requests_in_flight", Help: "Requests and event streams being served.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.inFlight} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("new server: %w", err)
		}
	}
	return m, nil
}

// routeMeasures are the instruments of one route, found once.
type routeMeasures struct {
	classes [6]prometheus.Counter // by the first digit of the status; 0: none was sent
	seconds prometheus.Observer   // nil for what goes on until somebody ends it
}

func (m *measures) route(r route) *routeMeasures {
	method := r.method
	if method == "" {
		method = "any"
	}
	of := &routeMeasures{}
	for class := range of.classes {
		code := "none"
		if class > 0 {
			code = fmt.Sprintf("%dxx", class)
		}
		of.classes[class] = m.requests.WithLabelValues(method, r.path, code)
	}
	if r.kind != stream {
		of.seconds = m.seconds.WithLabelValues(method, r.path)
	}
	return of
}

func (m *routeMeasures) observe(status int, took time.Duration) {
	class := status / 100
	if class < 0 || class >= len(m.classes) || status == statusGone {
		class = 0
	}
	m.classes[class].Inc()
	if m.seconds != nil {
		m.seconds.Observe(took.Seconds())
	}
}
