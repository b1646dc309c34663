-- What people's lists go by. Nothing decides by it.

-- Puts a run into the four lists it belongs to and takes it out of those of the other states; the keys stand in this
-- order from KEYS[first] to the last one.
local function list_run(first, run, at)
  for position = first, first + 3 do redis.call('ZADD', KEYS[position], at, run) end
  for position = first + 4, #KEYS do redis.call('ZREM', KEYS[position], run) end -- check: one_state
end

-- Tells whoever watches lists that a run changed: a hint that may be lost, so a server that forbids it changes nothing.
local function tell_changed(run_key)
  local shard, run = string.match(run_key, '^(.-):run:(.*)$')
  redis.pcall('PUBLISH', shard .. ':changed', run)
end
