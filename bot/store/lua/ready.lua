-- What a worker can take now: a set, so that what is pushed twice is taken once; the schedule brings what is lost.

local function push_ready(ready, now, member) redis.call('ZADD', ready, 'NX', whole(now), member) end

-- New work of somebody has a turn a minute later than their work before it, since last nothing waited: whoever asks for
-- much waits behind whoever asks for little, and behind what has begun. Where nothing else waits it is taken at once.
local TURN_MS = 60000

local function push_new(ready, now, member, who)
  local turn = 1
  if who and who ~= '' then turn = redis.call('HINCRBY', turns, who, 1) end -- check: turn
  push_ready(ready, now + (turn - 1) * TURN_MS, member)
end
