package chart

// Captions say of each chart what to see and how to read it.
const (
	throughputCaption = "How much was acknowledged a second; longer bars are better. Whiskers that do not " +
		"overlap show a difference; those that do may be chance."
	fieldsCaption = "Each tile is one cell: one setting to the right, the other downwards, a third one, if it " +
		"varies, from map to map; maps of one figure share their colours. Read along a row or a column to see what " +
		"one setting does while the other stays."
	ratioCaption = "What a codec saves, upwards, against what it lets through, to the right. A point on the dashed line " +
		"is the best in one of the two that loses nothing in the other."
	percentileCaption = " Each nine has the same room on the axis; a line ends where fewer than 10 samples are left " +
		"above it. A line that rises late has a good median and a bad tail."
	produceCaption  = "How long a record took from the instant at which it was due until it was acknowledged."
	endToEndCaption = "How long a record took from the instant at which it was due until a consumer had it."
	serviceCaption  = "How long it took from sending a batch to its acknowledgement: what brokers and network did, " +
		"without the producer's own waiting."
	fsyncCaption = "How long each forced flush of a log took, on all brokers."
	p99Caption   = "The latency that 99 of 100 records stay below; shorter bars are better. Where a cell has too few " +
		"records for it, none is drawn."
	stagesCaption = "The parts of a bar add up to the mean latency. The longest part is where a change of settings can " +
		"win the most; the slowest records may spend their time elsewhere than the usual ones."
	throughputTimeCaption = "A level line is a steady run. A line that falls or rises after the warm-up says that the " +
		"run was too short, or that something filled up."
	offeredCaption = "The dashed line is the load that came due, the other one what was acknowledged of it. Where they " +
		"part, the cluster or the generator did not keep up; where the second is above, it catches up."
	latencyTimeCaption = "A high percentile of each second and, of a few cells, the median. Steps and spikes are " +
		"stalls, such as flushes, elections and write-back; what repeats at a distance has a cause with that period."
	mapCaption = "All records of a cell: time to the right, latency upwards, darker where there are more. Bands apart " +
		"from the main one are records that waited for something that others did not."
	mapEndToEndCaption = "The same until a consumer had the record. Consumers that fall behind show as a band that climbs."
	unwrittenCaption   = "What a power failure of the machine would take: data in memory that no disk has yet. " +
		"A flush policy limits it; without one, the operating system does."
	utilisationCaption = "The share of the measured window in which each resource worked. The limit of a cell is at or " +
		"near 100 %, or one busy thread among idle cores; without either, its records wait for each other."
	processorsCaption = "What processor time went to. A long part is what a faster codec, larger batches or fewer " +
		"copies would save."
	activityCaption = "What the busiest node of this cell did over time: its resources, its dirty data, its disks."
)
