package main

import "fmt"

// shot is one picture of the plan.
type shot struct {
	class string
	scene int // unique over all classes
	frame int // 0 for the first of a burst
	name  string
}

// classes in the order of their folders, and what each adds to a scene. Everything else in a scene is drawn
// without knowing the class, so a class cannot be told by its panel, light or camera.
var classes = []struct {
	name  string
	build func(s *scene, r *random)
}{
	{"lamp_green", func(s *scene, r *random) { s.lamp(r, "green", true) }},
	{"lamp_off", func(s *scene, r *random) {
		s.lamp(r, choose(r, "red", "green", "yellow"), false)
	}},
	{"lamp_red", func(s *scene, r *random) { s.lamp(r, "red", true) }},
	{"lamp_yellow", func(s *scene, r *random) { s.lamp(r, "yellow", true) }},
	{"level_full", func(s *scene, r *random) { s.level(r, r.in(0.86, 0.97)) }},
	{"level_low", func(s *scene, r *random) { s.level(r, r.in(0.05, 0.16)) }},
	{"plug_in", func(s *scene, r *random) { s.plug(r, true) }},
	{"plug_out", func(s *scene, r *random) { s.plug(r, false) }},
	{"valve_closed", func(s *scene, r *random) { s.valve(r, false) }},
	{"valve_open", func(s *scene, r *random) { s.valve(r, true) }},
}

// bursts is how many frames each scene of a class has: 28 scenes, 40 pictures. Most are seen once; some a few
// times within a second, as a camera that runs delivers them.
var bursts = [28]int{2: 2, 5: 3, 9: 2, 12: 3, 16: 2, 19: 3, 23: 2, 26: 3}

// plan lists every picture of the set.
func plan() []shot {
	var all []shot
	for c, class := range classes {
		for i, n := range bursts {
			id := c*len(bursts) + i
			for f := range max(n, 1) {
				all = append(all, shot{class.name, id, f, fmt.Sprintf("s%03d_%c.jpg", id, 'a'+f)})
			}
		}
	}
	return all
}

// fullPaths is the number of paths per pixel that the committed pictures are made with, a power of two.
const fullPaths = 16

// make renders one picture and returns the JPEG file.
func (p shot) make(seed uint64, paths int) ([]byte, error) {
	c := p.scene / len(bursts)
	key := func(purpose uint64) *random { return stream(seed, uint64(p.scene), purpose) }
	s := &scene{panel: drawPanel(key(1))}
	s.drawLight(key(2))
	film := drawFilm(key(3), s.lights[0].colour.mul(1/s.lights[0].colour.luma()))
	camera := drawCamera(key(4))
	s.neighbours(key(5))
	classes[c].build(s, key(6))
	moment := stream(seed, uint64(p.scene), 7, uint64(p.frame))
	if p.frame > 0 {
		camera, film = camera.nudged(moment), film.nudged(moment)
	}
	raw := camera.expose(s, paths, moment.next())
	return film.develop(raw, moment)
}
