-- What a worker can take now: a set, so that what is pushed twice is taken once; the schedule brings what is lost.

local function push_ready(ready, now, member) redis.call('ZADD', ready, 'NX', whole(now), member) end
