package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Set overrides what the file says, as --set does; on an error the file stays
// as it was. Three forms:
//
//	PATH=VALUE        the setting has this value in every cell
//	PATH=VALUE,VALUE  the setting varies over these values
//	vary.NAME=CHOICE  only this choice (or these, with commas) of what varies
//
// The first two win over vary: they take the setting out of every choice that
// sets it, and a variation whose choices then all do the same leaves the sweep.
// If only some of the choices become the same, that is an error.
func (f *File) Set(path, value string) error {
	return f.set(path, value, origin{flag: setFlag + path + "=" + value})
}

func (f *File) set(path, value string, flag origin) error {
	var err error
	if name, ok := strings.CutPrefix(path, varyKey+"."); ok {
		err = f.choose(name, value)
	} else {
		err = f.override(path, value, flag)
	}
	if err != nil {
		return Errors{flag.fault(f.file, path, err.Error())}
	}
	f.changed = true
	return nil
}

func (f *File) override(path, value string, flag origin) error {
	st, fault := f.resolve(path)
	if st == nil {
		return fmt.Errorf("%s", fault)
	}
	texts := []string{value}
	if !st.perRun {
		texts = strings.Split(value, ",")
	}
	sweep := variation{setting: st, at: flag}
	for _, text := range texts {
		canonical, err := st.canonical(text)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(sweep.choices, func(c choice) bool { return c.name == canonical }) {
			return fmt.Errorf("lists %s twice", canonical)
		}
		sweep.choices = append(sweep.choices, one(st, canonical, flag))
	}
	if len(texts) > choicesMax {
		return fmt.Errorf("has %d values; at most %d fit", len(texts), choicesMax)
	}
	next := f.clone()
	place, err := next.takeOut(st)
	if err != nil {
		return err
	}
	if len(texts) == 1 {
		next.assign(sweep.choices[0].sets[0])
	} else {
		next.vary = slices.Insert(next.vary, place, sweep)
	}
	*f = *next
	return nil
}

// clone copies what Set changes.
func (f *File) clone() *File {
	next := *f
	next.Base = f.Base.clone()
	next.origins = maps.Clone(f.origins)
	next.vary = slices.Clone(f.vary)
	return &next
}

func (f *File) assign(a assignment) {
	a.apply(&f.Base)
	f.origins[a.setting.path] = a.at
}

// takeOut removes a setting from every choice, and returns where a new
// variation of it belongs.
func (f *File) takeOut(st *setting) (place int, err error) {
	var kept []variation
	place = -1
	for _, v := range f.vary {
		rest := v.without(st)
		alike, pair := rest.alike(v)
		switch {
		case pair != "":
			return 0, fmt.Errorf("makes %s of %q the same: choose with --set \"vary.%s=%s\" first",
				pair, v.key(), v.key(), v.choices[0].name)
		case alike:
			if v.setting != nil {
				place = len(kept)
			}
			for _, a := range rest.choices[0].sets {
				f.assign(a)
			}
		default:
			kept = append(kept, rest)
		}
	}
	f.vary = kept
	if place < 0 {
		place = len(kept)
	}
	return place, nil
}

// without is the variation with a setting taken out of its choices.
func (v variation) without(st *setting) variation {
	choices := make([]choice, len(v.choices))
	for i, c := range v.choices {
		choices[i] = c
		isIt := func(a assignment) bool { return a.setting.path == st.path }
		choices[i].sets = slices.DeleteFunc(slices.Clone(c.sets), isIt)
		if v.paired {
			choices[i].name = pairedName(choices[i].sets)
		}
	}
	v.choices = choices
	return v
}

// alike compares the choices of v, which was made from before by taking a
// setting out. It reports whether that left all of them alike, or which two.
func (v variation) alike(before variation) (all bool, pair string) {
	changed := false
	for i := range v.choices {
		changed = changed || len(v.choices[i].sets) < len(before.choices[i].sets)
	}
	if !changed {
		return false, ""
	}
	if len(v.choices) == 1 {
		return len(v.choices[0].sets) == 0, ""
	}
	count := 0
	for i := range v.choices {
		for j := range i {
			if !sameSets(v.choices[i].sets, v.choices[j].sets) {
				continue
			}
			count++
			if pair == "" && !sameSets(before.choices[i].sets, before.choices[j].sets) {
				pair = fmt.Sprintf("%q and %q", v.choices[j].name, v.choices[i].name)
			}
		}
	}
	if count == len(v.choices)*(len(v.choices)-1)/2 {
		return true, ""
	}
	return false, pair
}

// sameSets compares assignments in any order; none sets a path twice.
func sameSets(a, b []assignment) bool {
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y assignment) bool { return x.setting.path == y.setting.path && x.text == y.text }) {
			return false
		}
	}
	return len(a) == len(b)
}

// choose narrows a variation, given by its label's name or its path, to some of
// its choices.
func (f *File) choose(name, value string) error {
	names := f.labelNames()
	i := slices.Index(names, name)
	if i < 0 {
		i = slices.IndexFunc(f.vary, func(v variation) bool { return v.key() == name })
	}
	if i < 0 {
		if len(names) == 0 {
			return fmt.Errorf("nothing varies in this scenario (any more, if an override before it sets what varied)")
		}
		return fmt.Errorf("nothing of this name varies, but %s%s", strings.Join(names, ", "), didYouMean(name, names))
	}
	v := f.vary[i]
	var picked []choice
	for _, want := range strings.Split(value, ",") {
		j := slices.IndexFunc(v.choices, func(c choice) bool { return c.name == want })
		if j < 0 && v.setting != nil {
			if text, err := v.setting.canonical(want); err == nil {
				j = slices.IndexFunc(v.choices, func(c choice) bool { return c.name == text })
			}
		}
		if j < 0 {
			var have []string
			for _, c := range v.choices {
				have = append(have, c.name)
			}
			return fmt.Errorf("%q is not one of %s%s", want, strings.Join(have, ", "), didYouMean(want, have))
		}
		if slices.ContainsFunc(picked, func(c choice) bool { return c.name == v.choices[j].name }) {
			return fmt.Errorf("lists %s twice", v.choices[j].name)
		}
		picked = append(picked, v.choices[j])
	}
	next := f.clone()
	next.vary[i].choices = picked
	*f = *next
	return nil
}
