package receiver

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/fleet"
	"github.com/edge-adapt/edge/models/fleet/records"
)

// body reads a request's body of at most limit bytes.
func body(req *http.Request, limit int64) ([]byte, error) {
	if req.ContentLength > limit {
		return nil, refuse(http.StatusRequestEntityTooLarge, "", "more than %d bytes", limit)
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(req.Body, limit+1))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "", "the body did not come whole")
	}
	if n > limit {
		return nil, refuse(http.StatusRequestEntityTooLarge, "", "more than %d bytes", limit)
	}
	return b.Bytes(), nil
}

// enrol is POST /v1/enrol.
func (r *Receiver) enrol(w http.ResponseWriter, req *http.Request) error {
	who, err := r.identify(r.o.Enrolment, req, "edge fleet token add --enrol")
	if err != nil {
		return err
	}
	data, err := body(req, 4<<10)
	if err != nil {
		return err
	}
	e, err := fleet.ParseEnrolment(data)
	if err != nil {
		return refuse(http.StatusBadRequest, "", "%w", err)
	}
	proof, err := fleet.ParseProof(req.Header)
	if err == nil {
		err = proof.Verify(e.Public, http.MethodPost, fleet.EnrolRoute, data, r.o.Now(), r.o.Window)
	}
	if err != nil {
		return r.unproven(err)
	}
	if wait := r.devices.wait(proof.Device, r.o.Now()); wait > 0 {
		return busy(http.StatusTooManyRequests, wait, "this device asks too often")
	}
	if err := r.o.Records.Enrol(req.Context(), e.Public, who.name, r.o.Now()); err != nil {
		return r.unrecorded(err, 0)
	}
	r.log.Info("a device is enrolled", "device", proof.Device, "token", who.name)
	answer(w, http.StatusOK, fleet.Answer{})
	return nil
}

// reports is POST /v1/reports.
func (r *Receiver) reports(w http.ResponseWriter, req *http.Request) error {
	proof, err := fleet.ParseProof(req.Header) // before the body is read
	if err != nil {
		return r.unproven(err)
	}
	data, err := body(req, fleet.MaxBytes)
	if err != nil {
		return err
	}
	key, err := r.o.Records.Key(req.Context(), proof.Device)
	if err != nil {
		return r.unrecorded(err, 0)
	}
	if err := proof.Verify(key.Public, http.MethodPost, fleet.ReportsRoute, data, r.o.Now(), r.o.Window); err != nil {
		return r.unproven(err)
	}
	if wait := r.devices.wait(proof.Device, r.o.Now()); wait > 0 { // not before: nobody else can use up its turns
		return busy(http.StatusTooManyRequests, wait, "this device reports too often")
	}
	report, err := fleet.Parse(data)
	if err != nil {
		return refuse(http.StatusBadRequest, hint.Of(err), "%w", err)
	}
	a, err := r.o.Records.Accept(req.Context(), proof.Device, report, r.o.Now())
	if err != nil {
		return r.unrecorded(err, a.Sequence)
	}
	if a.Rollbacks > 0 {
		r.halter.soon()
	}
	answer(w, http.StatusOK, fleet.Answer{Sequence: a.Sequence})
	return nil
}

// unproven says why a request is not taken for a device's.
func (r *Receiver) unproven(err error) error {
	no := refuse(http.StatusUnauthorized, "", "%w", err)
	if errors.Is(err, fleet.ErrDate) {
		no.answer.Code, no.answer.Now = fleet.CodeDate, r.o.Now().UTC()
	}
	return no
}

// unrecorded says why a device's request changed nothing. What is no fault of the
// device is returned as it is.
func (r *Receiver) unrecorded(err error, sequence int64) error {
	var no *refusal
	switch {
	case errors.Is(err, records.ErrUnknown):
		no = refuse(http.StatusNotFound, "enrol it: give the device an enrolment token", "%w", records.ErrUnknown)
		no.answer.Code = fleet.CodeUnknown
	case errors.Is(err, records.ErrBlocked):
		no = refuse(http.StatusForbidden, "ask who runs the fleet", "%w", records.ErrBlocked)
		no.answer.Code = fleet.CodeBlocked
	case errors.Is(err, records.ErrSequence):
		no = refuse(http.StatusConflict, "", "%w", records.ErrSequence)
		no.answer.Code, no.answer.Sequence = fleet.CodeSequence, sequence
	default:
		return err
	}
	return no
}
