package payload

import (
	"math/bits"
	"math/rand/v2"
	"strconv"
	"time"
)

// unitBytesMax is more than the longest unit of a corpus.
const unitBytesMax = 4096

// draws is a corpus's random numbers. It uses nothing of math/rand/v2 but
// PCG's output, which is specified, so that the bytes stay the same with later
// versions of Go.
type draws struct{ pcg *rand.PCG }

func (d *draws) below(n int) int { return scale(d.pcg.Uint64(), n) }

// skewed draws from 0..n-1, small numbers more often: few users are busy.
func (d *draws) skewed(n int) int { return d.below(1 + d.below(1+d.below(n))) }

// zipf draws from 0..n-1 by Zipf's law with exponent 1, in steps: each octave of
// numbers as often as any other.
func (d *draws) zipf(n int) int {
	octave := d.below(bits.Len(uint(n)))
	k := 1<<octave + d.below(1<<octave)
	if k > n {
		k = 1 + d.below(n)
	}
	return k - 1
}

// chance is true in percent of 100 draws.
func (d *draws) chance(percent int) bool { return d.below(100) < percent }

// service is one program whose log lines are mixed into the corpus.
type service struct {
	name, host string
	routes     []route
}

type route struct{ method, before, after, message string }

var services = []service{
	{"checkout", "checkout-6f9c7d8b54-", []route{
		{"POST", "/api/v2/carts/", "/checkout", "order placed, payment authorized and receipt queued"},
		{"GET", "/api/v2/carts/", "", "cart loaded with prices from the catalog"},
		{"DELETE", "/api/v2/carts/", "/items", "item removed from cart, totals recomputed"}}},
	{"catalog", "catalog-75b8f4c9dd-", []route{
		{"GET", "/api/v2/products/", "", "product served from cache"},
		{"GET", "/api/v2/products/", "/reviews", "reviews page rendered from the read replica"},
		{"GET", "/api/v2/categories/", "/products", "category listing served from cache"}}},
	{"payments", "payments-5d4c8b7f6b-", []route{
		{"POST", "/internal/payments/", "/authorize", "card authorization approved by the acquirer"},
		{"POST", "/internal/payments/", "/capture", "payment captured and ledger entry written"}}},
	{"accounts", "accounts-7c6d5f9b88-", []route{
		{"GET", "/api/v2/users/", "/profile", "profile loaded for a signed-in session"},
		{"PUT", "/api/v2/users/", "/address", "address updated and normalized by the geocoder"},
		{"POST", "/api/v2/sessions/", "", "session created after a second factor"}}},
	{"inventory", "inventory-84f7b6d5c9-", []route{
		{"POST", "/internal/stock/", "/reserve", "stock reserved in the nearest warehouse"},
		{"GET", "/internal/stock/", "", "stock level read from the primary"}}},
	{"search", "search-66d9c8f7b5-", []route{
		{"GET", "/api/v2/search/", "/page/1", "query answered by all shards within the time budget"},
		{"GET", "/api/v2/suggest/", "", "suggestions served from the prefix tree"}}},
}

var clients = []string{
	"web/chrome-131 windows", "web/safari-18 ios", "web/firefox-133 linux",
	"app/android-7.31", "app/ios-7.30", "okhttp/4.12",
}

var failures = []string{
	"upstream request timed out after 3 attempts, circuit breaker half open",
	"connection reset by peer while reading response headers",
	"could not acquire a database connection within the pool timeout",
	"optimistic lock failed, row version changed by a concurrent update",
}

// request is what the log lines of one incoming request share.
type request struct {
	trace  [2]uint64
	user   int
	client string
	lines  int // still to be written
}

// appendLines appends corpusBytes of lines and a little more to dst, and returns
// where those lines start that begin within corpusBytes. A few requests are under
// way at any time, and each leaves a line in several services, so that near
// lines share their trace, as they do in a log that was gathered from services.
func appendLines(dst []byte, draw *draws) ([]byte, []uint32) {
	starts := make([]uint32, 0, corpusBytes/256)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var underWay [4]request
	for len(dst) < corpusBytes {
		req := &underWay[draw.below(len(underWay))]
		if req.lines == 0 {
			*req = request{
				trace:  [2]uint64{draw.pcg.Uint64(), draw.pcg.Uint64()},
				user:   100000 + draw.skewed(900000),
				client: clients[draw.skewed(len(clients))],
				lines:  1 + draw.below(4),
			}
		}
		req.lines--
		at = at.Add(time.Duration(draw.below(1500)) * time.Microsecond)
		starts = append(starts, uint32(len(dst)))
		dst = appendLine(dst, draw, at, req)
	}
	return dst, starts
}

func appendLine(dst []byte, draw *draws, at time.Time, req *request) []byte {
	from := &services[draw.below(len(services))]
	call := &from.routes[draw.skewed(len(from.routes))]
	level, status, message := "INFO", 200, call.message
	switch {
	case draw.chance(2):
		level, status, message = "ERROR", 503, failures[draw.below(len(failures))]
	case draw.chance(4):
		level, status = "WARN", 404
	case call.method == "POST":
		status = 201
	}
	// Fields that differ from line to line stand between fields that repeat, so
	// that small records, which hold only the start of a line, are like large ones.
	dst = append(dst, `{"ts":"`...)
	dst = at.AppendFormat(dst, "2006-01-02T15:04:05.000000Z07:00")
	dst = append(dst, `","trace_id":"`...)
	dst = appendHex(dst, req.trace[0])
	dst = appendHex(dst, req.trace[1])
	dst = append(dst, `","level":"`...)
	dst = append(dst, level...)
	dst = append(dst, `","service":"`...)
	dst = append(dst, from.name...)
	dst = append(dst, `","host":"`...)
	dst = append(dst, from.host...)
	dst = append(dst, [...]string{"x7k2p", "m4v9d", "q8w5z"}[draw.below(3)]...)
	dst = append(dst, `","span_id":"`...)
	dst = appendHex(dst, draw.pcg.Uint64())
	dst = append(dst, `","user_id":`...)
	dst = strconv.AppendInt(dst, int64(req.user), 10)
	dst = append(dst, `,"method":"`...)
	dst = append(dst, call.method...)
	dst = append(dst, `","path":"`...)
	dst = append(dst, call.before...)
	dst = strconv.AppendInt(dst, int64(1000+draw.skewed(99000)), 10)
	dst = append(dst, call.after...)
	dst = append(dst, `","status":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, `,"duration_ms":`...)
	dst = strconv.AppendInt(dst, int64(1+draw.skewed(900)), 10)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, int64(100+draw.below(900)), 10)
	dst = append(dst, `,"bytes":`...)
	dst = strconv.AppendInt(dst, int64(200+draw.skewed(20000)), 10)
	dst = append(dst, `,"client":"`...)
	dst = append(dst, req.client...)
	dst = append(dst, `","message":"`...)
	dst = append(dst, message...)
	return append(dst, "\"}\n"...)
}

func appendHex(dst []byte, x uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[x>>shift&15])
	}
	return dst
}
