package payload

import (
	"strconv"
	"strings"
)

// The words of Chat, by their part in a sentence, frequent ones first.
var (
	chatSubjects = strings.Fields(`i you we it they he she that this everyone someone nobody people somebody y'all`)
	chatVerbs    = strings.Fields(`have is was think want need know got can't see get will don't would like should tried
		saw could love hate said need found made bought sent forgot heard finished started broke fixed missed
		checked moved left asked told met called changed booked ordered returned cooked watched read wrote
		opened closed dropped lost won paid sold borrowed painted planned printed pushed reviewed deployed rebooted
		updated installed tested merged rolled scheduled shipped signed skipped solved tasted tracked typed unplugged`)
	chatNouns = strings.Fields(`time thing day meeting work car house food phone game room week night morning coffee money
		problem kids weekend dinner train movie question update ticket picture dog plan lunch list place story book
		song dress school bus link file bug release photo door key team call number hour email cat garden bike
		weather kitchen doctor flight holiday birthday cake bread soup rice salad bottle table window roof wall
		screen laptop charger battery cable router printer server database branch deploy script test log build
		dashboard invoice budget contract client boss manager colleague neighbour landlord sister brother mother
		cousin teacher student class exam homework library museum concert ticket stadium beach river mountain
		forest bridge station airport hotel tent map passport suitcase umbrella jacket shoes glasses watch wallet
		blanket pillow mirror carpet lamp candle piano guitar drums violin choir ladder hammer paint brush nail`)
	chatAdjectives = strings.Fields(`good new really nice old last next great little big other bad same first long late
		early whole best free sorry happy tired weird cheap funny easy hard hot cold busy ready broken quiet loud full
		empty strange perfect terrible awful lovely huge tiny heavy slow fast green blue red yellow purple sweet
		spicy fresh dry wet dusty clean dirty light sharp smooth fancy boring urgent silly clever brave`)
	chatLinks  = strings.Fields(`and but so because if when then or while until since before after though unless although`)
	chatPlaces = strings.Fields(`in on at for with from to about after before near behind under over around without
		during`)
	chatTimes = strings.Fields(`today tomorrow now later yesterday tonight again soon already maybe actually anyway
		sometimes finally probably literally usually apparently honestly obviously`)
	chatShort = strings.Fields(`ok yes no lol haha thanks yeah sure hi hey nice cool wow omg same exactly please brb
		agreed nope yep congrats hahaha ouch sigh hmm welcome`)
	chatSigns = strings.Fields(`:) :D <3 ;) :( xD :P ^^ \o/ :/ (y)`)
	syllables = strings.Fields(`ka lo mi ren ta vi son dra el ba nor sti pe chu mar zi fo gan lin be ro sha tu wen ya
		der ol qui har is jo ne`)
)

// chat writes messages.
type chat struct{ draw *draws }

// appendMessages makes the corpus of Chat: a message a line, of rooms in which a few
// people answer one another.
func appendMessages(dst []byte, draw *draws) ([]byte, []uint32) {
	c := chat{draw}
	starts := make([]uint32, 0, corpusBytes/60)
	var talking [24]int
	for i := range talking {
		talking[i] = draw.zipf(200_000)
	}
	for len(dst) < corpusBytes {
		if draw.chance(4) {
			talking[draw.below(len(talking))] = draw.zipf(200_000)
		}
		starts = append(starts, uint32(len(dst)))
		dst = appendInvented(dst, talking[draw.skewed(len(talking))])
		dst = append(dst, ": "...)
		if draw.chance(14) {
			dst = append(dst, '@')
			dst = appendInvented(dst, talking[draw.skewed(len(talking))])
			dst = append(dst, ' ')
		}
		dst = c.appendMessage(dst)
		dst = append(dst, '\n')
	}
	return dst, starts
}

func (c chat) word(words []string) string { return words[c.draw.zipf(len(words))] }

// appendWord appends a word and a space, seldom with a letter that was mistyped.
func (c chat) appendWord(dst []byte, word string) []byte {
	from := len(dst)
	dst = append(dst, word...)
	if n := len(word); n > 3 && c.draw.chance(2) {
		at := from + 1 + c.draw.below(n-2)
		dst[at], dst[at+1] = dst[at+1], dst[at]
	}
	return append(dst, ' ')
}

func (c chat) appendMessage(dst []byte) []byte {
	d := c.draw
	if d.chance(18) {
		dst = append(dst, c.word(chatShort)...)
		if d.chance(60) {
			return c.appendEnd(dst)
		}
		dst = append(dst, ", "...)
	}
	dst = c.appendClause(dst)
	for d.chance(45) {
		if d.chance(30) {
			dst = append(dst[:len(dst)-1], ", "...)
		}
		dst = c.appendWord(dst, c.word(chatLinks))
		dst = c.appendClause(dst)
	}
	return c.appendEnd(dst[:len(dst)-1])
}

func (c chat) appendEnd(dst []byte) []byte {
	d := c.draw
	switch {
	case d.chance(14):
		dst = append(dst, '?')
	case d.chance(16):
		dst = append(dst, "!!!"[:1+d.skewed(3)]...)
	case d.chance(30):
		dst = append(dst, '.')
	}
	if d.chance(12) {
		dst = append(dst, ' ')
		dst = append(dst, c.word(chatSigns)...)
	}
	return dst
}

// appendClause appends who did what, with whom, where and when.
func (c chat) appendClause(dst []byte) []byte {
	d := c.draw
	if d.chance(20) {
		dst = c.appendObject(dst)
	} else {
		dst = c.appendWord(dst, c.word(chatSubjects))
	}
	dst = c.appendWord(dst, c.word(chatVerbs))
	if d.chance(25) {
		dst = c.appendWord(dst, c.word(chatTimes))
	}
	if d.chance(75) {
		dst = c.appendObject(dst)
	}
	if d.chance(40) {
		dst = c.appendWord(dst, c.word(chatPlaces))
		dst = c.appendObject(dst)
	}
	return dst
}

// appendObject appends a thing: one of the known ones, or what only a few know.
func (c chat) appendObject(dst []byte) []byte {
	d := c.draw
	switch {
	case d.chance(14): // a name
		at := len(dst)
		dst = appendInvented(dst, d.zipf(40_000))
		dst[at] -= 'a' - 'A'
		return append(dst, ' ')
	case d.chance(8):
		dst = strconv.AppendInt(dst, int64(1+d.zipf(5000)), 10)
		return append(dst, [...]string{" ", "am ", "% ", " minutes ", " euros ", ":30 "}[d.below(6)]...)
	case d.chance(2):
		dst = append(dst, "https://"...)
		dst = appendInvented(dst, d.zipf(3000))
		dst = append(dst, ".example/"...)
		dst = appendHex(dst, d.pcg.Uint64())
		return append(dst[:len(dst)-6], ' ')
	}
	dst = c.appendWord(dst, [...]string{"the", "a", "my", "that", "your", "some", "our", "this"}[d.skewed(8)])
	for d.chance(35) {
		dst = c.appendWord(dst, c.word(chatAdjectives))
	}
	word := c.word(chatNouns)
	dst = c.appendWord(dst, word)
	if d.chance(18) && word[len(word)-1] != 's' {
		dst = append(dst[:len(dst)-1], "s "...)
	}
	return dst
}

// appendInvented appends the word of that number: a person or a thing with a name of
// its own. Frequent ones are short.
func appendInvented(dst []byte, number int) []byte {
	hash := mix(uint64(number) + 1000)
	for range 2 + (number/600+3)/4%3 {
		dst = append(dst, syllables[hash%uint64(len(syllables))]...)
		hash /= uint64(len(syllables))
	}
	return dst
}
