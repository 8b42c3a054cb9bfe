package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// correlationMax bounds the estimate of how alike neighbours are: above it a
// series of any length that is measured here says nothing.
const correlationMax = 0.95

// doubt is how many standard errors are added to an estimated correlation.
const doubt = 0.5

// autocorrelation is that of neighbours in residuals, whose mean is 0, after a
// model with so many parameters was taken out. Estimates from short series are too
// low, by about (params + (1+params)*phi) / n, which is put back (Marriott and Pope 1954,
// Kendall 1954, for one mean; the same for more), and half of its standard error is
// added, since a guess that is too low makes more false alarms than one that is too
// high saves: both were chosen by simulation. It is not below 0: a series that swings
// is taken as one without memory, which errs on the side of no alarm.
func autocorrelation(residuals []float64, params int) float64 {
	phi, ok := correlationAt(residuals, 1, params)
	if !ok {
		return 0
	}
	phi = min(correlationMax, max(0, phi))
	return min(correlationMax, phi+doubt*math.Sqrt((1-phi*phi)/float64(len(residuals))))
}

// correlationAt is that of residuals which are so many places apart, corrected as
// autocorrelation says; not ok where all of them are 0.
func correlationAt(residuals []float64, lag, params int) (correlation float64, ok bool) {
	var sum, product float64
	for i, r := range residuals {
		sum += r * r
		if i >= lag {
			product += r * residuals[i-lag]
		}
	}
	if sum == 0 {
		return 0, false
	}
	n := float64(len(residuals))
	return (product/sum*n + float64(params)) / max(1, n-float64(lag)-2*float64(params)), true
}

// MeanInterval is an interval of 95 % of the mean of a series whose neighbours may
// be alike (an autoregression of order 1): seconds of one run. It says where the
// mean of a longer run like this one lies, not where that of another run does. Less
// than SeriesMin values have none.
func MeanInterval(series []float64) (i Interval, ok bool) {
	if len(series) < SeriesMin {
		return Interval{}, false
	}
	mean := meanOf(series)
	residuals := make([]float64, len(series))
	for k, v := range series {
		residuals[k] = v - mean
	}
	wide := MeanError(residuals)
	return Interval{Low: mean - wide, High: mean + wide, Confidence: Confidence}, true
}

// MeanError is half the width of an interval of 95 % of a mean, from what the
// series has beside its mean. Values that follow each other count as fewer, by
// (1-phi)/(1+phi), and the interval is Student's of so many.
func MeanError(residuals []float64) float64 {
	n := float64(len(residuals))
	var sum float64
	for _, r := range residuals {
		sum += r * r
	}
	if sum == 0 {
		return 0
	}
	phi := autocorrelation(residuals, 1)
	effective := max(2, n*(1-phi)/(1+phi))
	variance := sum / n * effective / (effective - 1)
	student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: effective - 1}
	return student.Quantile(1-Alpha/2) * math.Sqrt(variance/effective)
}

func meanOf(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
