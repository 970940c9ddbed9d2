// Package metrics holds what a runtime measures, as Prometheus instruments in a
// registry of their own.
//
// Names begin with edge_ and end with their unit; every instrument's help says
// what one count is. Labels take few values: names of tasks and sinks, which the
// configuration lists, and words that stand in this package.
//
//	edge_frames_total{task}                     camera frames that were classified
//	edge_frames_skipped_total{task,reason}      frames that were not: interval, still, error
//	edge_images_total{task}                     images of callers that were classified
//	edge_images_failed_total{task}              images of callers that could not be
//	edge_latency_seconds{task}                  from a frame's capture to its decision
//	edge_wait_seconds{task}                     for a free interpreter
//	edge_preprocess_seconds{task}               crop and preprocessing
//	edge_base_seconds{task}                     one forward of the base
//	edge_head_seconds{task}                     head, calibration and decision
//	edge_events_total{task,kind}                events published
//	edge_source_up{task}                        1 while the task's source gives frames
//	edge_source_frames_total{task}              frames that the source delivered
//	edge_source_dropped_total{task}             frames that a newer one replaced unseen
//	edge_source_skipped_total{task}             pictures that could not be decoded
//	edge_source_reconnects_total{task}          times the source was opened again
//	edge_generation{task}                       generation that serves; 0: none
//	edge_swaps_total{task}                      generations put in place
//	edge_generations_refused_total{task}        generations that were not taken
//	edge_rollbacks_total{task}                  generations taken back
//	edge_probation{task}                        1 while the generation is under watch
//	edge_shadow_frames_total{task}              frames that a shadow was compared on
//	edge_shadow_agreed_total{task}              of those, the same likeliest class
//	edge_shadow_seconds{task}                   preprocessing, base and head of the shadow
//	edge_shadow_score_shift{task}               mean top score of the shadow less the active one's
//	edge_adapts_total{task,result}              adaptations: done, failed
//	edge_adapting{task}                         1 while the task adapts
//	edge_interpreters                           interpreters that are open
//	edge_sink_events_total{sink,result}         events handed to a sink: delivered, failed, dropped
//
// The usual go_ and process_ instruments stand beside them.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// seconds are the buckets of every histogram: 0.1 ms to 13 s, doubling. A base
// takes from half a millisecond on a desktop to some hundred on a small board.
var seconds = prometheus.ExponentialBuckets(0.0001, 2, 18)

// Metrics are the instruments of one runtime. Its methods may be called
// concurrently.
type Metrics struct {
	registry     *prometheus.Registry
	tasks        taskVectors
	sinkEvents   *prometheus.CounterVec
	Interpreters prometheus.Gauge
}

// New returns instruments in a registry of their own.
func New() *Metrics {
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		tasks:      newTaskVectors(),
		sinkEvents: counters("edge_sink_events_total", "Events handed to a sink, by result: delivered, failed or dropped.", "sink", "result"),
		Interpreters: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "edge_interpreters", Help: "Interpreters that are open.",
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.sinkEvents, m.Interpreters,
	)
	m.registry.MustRegister(m.tasks.all()...)
	return m
}

// Registry returns the registry, to gather from and to add to.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Task returns the instruments of a task, made when they are first asked for.
func (m *Metrics) Task(name string) *Task { return m.tasks.of(name) }

// Forget removes a task's instruments.
func (m *Metrics) Forget(name string) { m.tasks.forget(name) }

// Sink is how a sink fares.
type Sink struct{ Delivered, Failed, Dropped prometheus.Counter }

// Sink returns the instruments of a sink.
func (m *Metrics) Sink(name string) *Sink {
	return &Sink{
		Delivered: m.sinkEvents.WithLabelValues(name, "delivered"),
		Failed:    m.sinkEvents.WithLabelValues(name, "failed"),
		Dropped:   m.sinkEvents.WithLabelValues(name, "dropped"),
	}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}
