package payload

import (
	"strconv"
	"time"
)

// The site of the access log: a shop with a blog, its static files and an API.
const (
	sitePages    = 6000
	siteVisitors = 48 // at a time
)

var (
	siteSections = []string{"products", "categories", "blog", "help", "brands", "stores"}
	siteWords    = []string{
		"oak", "linen", "travel", "winter", "compact", "ceramic", "folding", "garden", "copper", "night", "merino",
		"desk", "lamp", "kettle", "jacket", "backpack", "sofa", "mirror", "bottle", "blanket", "headphones", "bicycle",
		"shelf", "notebook", "chair", "planter", "watch", "speaker", "carpet", "grinder", "boots", "umbrella",
	}
	siteAssets = []string{
		"/static/css/main.7c1f0e92.css", "/static/js/vendor.b41d22ac.js", "/static/js/app.f09c5e17.js",
		"/static/js/search.5d0e6b38.js", "/static/fonts/inter-var.woff2", "/favicon.ico", "/static/img/logo.svg",
		"/static/img/sprite.3fa2c1.svg", "/manifest.webmanifest", "/static/css/print.19e0b7aa.css",
	}
	siteCalls = []string{
		"/api/v3/cart", "/api/v3/session", "/api/v3/recommendations?slot=home", "/api/v3/stock?sku=", "/api/v3/events",
		"/api/v3/price?sku=", "/api/v3/wishlist", "/api/v3/suggest?q=",
	}
	siteOrigins = []string{
		"https://www.google.com/", "-", "https://duckduckgo.com/", "https://www.bing.com/",
		"android-app://com.google.android.gm/",
		"https://www.instagram.com/", "https://t.co/", "https://news.ycombinator.com/", "https://www.reddit.com/",
	}
	siteScans = []string{
		"/wp-login.php", "/.env", "/xmlrpc.php", "/admin/config.php", "/.git/config", "/cgi-bin/luci", "/phpinfo.php",
	}
	browserSystems = []string{
		"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Linux; Android 10; K",
		"iPhone; CPU iPhone OS 18_1 like Mac OS X", "iPad; CPU OS 17_6 like Mac OS X", "X11; CrOS x86_64 14541.0.0",
	}
	robots = []string{
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
		"Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
		"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
		"curl/8.9.1", "python-requests/2.32.3", "Go-http-client/2.0", "kube-probe/1.31",
	}
)

// visitor is who sends requests for a while.
type visitor struct {
	address uint32
	user    int // 0: not signed in
	agent   []byte
	page    []byte // that was loaded last
	origin  string // where the first one was found
	assets  int    // of the page that are still to be loaded
	left    int    // requests
	robot   bool
}

// accesses writes an access log.
type accesses struct {
	draw     *draws
	at       time.Time
	visitors [siteVisitors]visitor
}

// appendAccesses makes the corpus of AccessLog: a few visitors are on the site at any
// time, each of whom loads pages with what belongs to them.
func appendAccesses(dst []byte, draw *draws) ([]byte, []uint32) {
	a := accesses{draw: draw, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	starts := make([]uint32, 0, corpusBytes/200)
	for len(dst) < corpusBytes {
		v := &a.visitors[draw.skewed(siteVisitors)]
		if v.left == 0 {
			a.arrive(v)
		}
		v.left--
		a.at = a.at.Add(time.Duration(draw.skewed(60)) * time.Millisecond)
		starts = append(starts, uint32(len(dst)))
		dst = a.appendAccess(dst, v)
	}
	return dst, starts
}

func (a *accesses) arrive(v *visitor) {
	d := a.draw
	*v = visitor{address: uint32(d.pcg.Uint64()), agent: v.agent[:0], page: v.page[:0], left: 1 + d.skewed(60),
		origin: siteOrigins[d.skewed(len(siteOrigins))], robot: d.chance(9)}
	if d.chance(60) { // from a network that sends many
		v.address = 0x52000000 | uint32(d.zipf(1<<16))<<8 | v.address&0xff
	}
	if v.robot {
		v.agent = append(v.agent, robots[d.skewed(len(robots))]...)
		v.origin = "-"
		return
	}
	if d.chance(25) {
		v.user = 1 + d.zipf(200_000)
	}
	v.agent = a.appendBrowser(v.agent)
}

func (a *accesses) appendBrowser(dst []byte) []byte {
	d := a.draw
	system := d.skewed(len(browserSystems))
	dst = append(dst, "Mozilla/5.0 ("...)
	dst = append(dst, browserSystems[system]...)
	major := 131 - d.skewed(12)
	switch {
	case system == 4 || system == 5: // of Apple
		dst = append(dst, ") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/"...)
		dst = strconv.AppendInt(dst, int64(18-d.skewed(4)), 10)
		dst = append(dst, '.')
		dst = strconv.AppendInt(dst, int64(d.skewed(7)), 10)
		return append(dst, " Mobile/15E148 Safari/604.1"...)
	case d.chance(15):
		dst = append(dst, "; rv:"...)
		dst = strconv.AppendInt(dst, int64(major), 10)
		dst = append(dst, ".0) Gecko/20100101 Firefox/"...)
		dst = strconv.AppendInt(dst, int64(major), 10)
		return append(dst, ".0"...)
	}
	dst = append(dst, ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"...)
	dst = strconv.AppendInt(dst, int64(major), 10)
	dst = append(dst, ".0.0.0 "...)
	if system == 3 {
		dst = append(dst, "Mobile "...)
	}
	dst = append(dst, "Safari/537.36"...)
	if d.chance(12) {
		dst = append(dst, " Edg/"...)
		dst = strconv.AppendInt(dst, int64(major), 10)
		dst = append(dst, ".0.0.0"...)
	}
	return dst
}

// appendAccess appends one line: the next request of a visitor.
func (a *accesses) appendAccess(dst []byte, v *visitor) []byte {
	d := a.draw
	for shift := 24; shift >= 0; shift -= 8 {
		dst = strconv.AppendInt(dst, int64(v.address>>shift&0xff), 10)
		dst = append(dst, '.')
	}
	dst = append(dst[:len(dst)-1], " - "...)
	if v.user > 0 {
		dst = append(dst, 'u')
		dst = strconv.AppendInt(dst, int64(100_000+v.user), 10)
	} else {
		dst = append(dst, '-')
	}
	dst = a.at.AppendFormat(dst, ` [02/Jan/2006:15:04:05 -0700] "`)
	referer := v.page
	status, bytes := 200, 300+d.skewed(60_000)
	switch {
	case v.robot && d.chance(12):
		dst, status, bytes = append(append(dst, "GET "...), siteScans[d.below(len(siteScans))]...), 404, 548
	case v.assets > 0:
		v.assets--
		dst, status, bytes = a.appendAsset(dst)
	case len(v.page) > 0 && d.chance(30):
		dst, status, bytes = a.appendCall(dst)
	default:
		dst = append(dst, "GET "...)
		at := len(dst)
		dst = appendPage(dst, d.zipf(sitePages))
		if d.chance(15) {
			dst = append(dst, "?page="...)
			dst = strconv.AppendInt(dst, int64(2+d.skewed(30)), 10)
		}
		referer = append([]byte(nil), referer...)
		v.page = append(v.page[:0], dst[at:]...)
		if !v.robot {
			v.assets = d.below(9)
		}
		switch {
		case d.chance(3):
			status, bytes = 404, 1843
		case d.chance(4):
			status, bytes = 301, 178
		case d.chance(1):
			status, bytes = 503, 592
		}
	}
	dst = append(dst, ` HTTP/`...)
	dst = append(dst, [...]string{"2.0", "1.1"}[d.below(5)/4]...)
	dst = append(dst, `" `...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(bytes), 10)
	dst = append(dst, ` "`...)
	if len(referer) > 0 && !v.robot {
		dst = append(dst, "https://www.example.com"...)
		dst = append(dst, referer...)
	} else {
		dst = append(dst, v.origin...)
	}
	dst = append(dst, `" "`...)
	dst = append(dst, v.agent...)
	return append(dst, "\"\n"...)
}

// appendPage appends the path of one of the site's pages, always the same one.
func appendPage(dst []byte, page int) []byte {
	hash := mix(uint64(page) + 1)
	if page == 0 {
		return append(dst, '/')
	}
	dst = append(dst, '/')
	dst = append(dst, siteSections[int(hash%7)%len(siteSections)]...)
	dst = append(dst, '/')
	for i := range 2 + int(hash>>8%2) {
		dst = append(dst, siteWords[hash>>(16+8*i)%uint64(len(siteWords))]...)
		dst = append(dst, '-')
	}
	return strconv.AppendInt(dst, int64(10_000+page), 10)
}

// appendAsset appends the request for a file of a page; most browsers have it.
func (a *accesses) appendAsset(dst []byte) (_ []byte, status, bytes int) {
	d := a.draw
	dst = append(dst, "GET "...)
	var file uint64
	if d.chance(45) {
		file = uint64(d.zipf(4 * sitePages))
		dst = append(dst, "/media/"...)
		dst = appendHex(dst, mix(file+77))[:len(dst)+12]
		dst = append(dst, [...]string{"-480.webp", "-960.webp", "-1440.avif"}[d.skewed(3)]...)
	} else {
		file = uint64(d.skewed(len(siteAssets)))
		dst = append(dst, siteAssets[file]...)
	}
	if d.chance(30) {
		return dst, 304, 0
	}
	return dst, 200, 900 + int(mix(file+99)%180_000)
}

// appendCall appends a request to the API.
func (a *accesses) appendCall(dst []byte) (_ []byte, status, bytes int) {
	d := a.draw
	method := "GET "
	call := siteCalls[d.skewed(len(siteCalls))]
	status, bytes = 200, 40+d.skewed(4000)
	if d.chance(30) && call[len(call)-1] != '=' {
		method, status = "POST ", 204-2*d.below(3)
	}
	dst = append(append(dst, method...), call...)
	if call[len(call)-1] == '=' {
		dst = strconv.AppendInt(dst, int64(10_000+d.zipf(sitePages)), 10)
	}
	if d.chance(2) {
		status, bytes = 401, 112
	}
	return dst, status, bytes
}
