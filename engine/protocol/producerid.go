package protocol

// InitProducerIDRequest asks any broker for a producer id that no other producer
// of the cluster has (InitProducerId v4, without a transactional id).
type InitProducerIDRequest struct{}

// BodyBytes implements Body.
func (r *InitProducerIDRequest) BodyBytes() int { return 1 + 4 + 8 + 2 + 1 }

// Release implements Body.
func (r *InitProducerIDRequest) Release() {}

// InitProducerIDResponse is the answer to InitProducerIDRequest. The epoch of a new
// id is 0.
type InitProducerIDResponse struct {
	Err           ErrorCode
	ProducerID    int64
	ProducerEpoch int16
}

// BodyBytes implements Body.
func (r *InitProducerIDResponse) BodyBytes() int { return 4 + 2 + 8 + 2 + 1 }

// Release implements Body.
func (r *InitProducerIDResponse) Release() {}
