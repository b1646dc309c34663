-- What people's lists go by. Nothing decides by it.

-- Keeps a run's line, and the `state` that it says. It is in four lists, and in none of the other states: their keys are
-- KEYS[first] to KEYS[first + 2], and behind them those of all states. What an earlier line of it says it is in need not be
-- written again, unless all of it is made `anew`; it has no earlier one if `is_first`. Returns whether the line is another.
local function list_run(summaries, first, run, at, line, state, anew, is_first)
  local before, was
  if not is_first then before, was = unpack(redis.call('HMGET', summaries, run, 'state ' .. run)) end
  if before == line and not anew then return false end
  local stated = was == state and {} or {'state ' .. run, state}
  redis.call('HSET', summaries, run, line, unpack(stated))
  if anew then was = false end
  if was == state then return true end
  for position = was and first + 3 or first, first + 2 do redis.call('ZADD', KEYS[position], at, run) end
  redis.call('ZADD', KEYS[first + 2 + STATES[state]], at, run)
  for other, place in pairs(before and STATES or {}) do
    local is_left = other ~= state and (not was or other == was)
    if is_left then redis.call('ZREM', KEYS[first + 2 + place], run) end -- check: one_state
  end
  return true
end

-- Tells whoever watches lists that a run changed: a hint that may be lost, so a server that forbids it changes nothing.
local function tell_changed(run) redis.pcall('PUBLISH', changed, run) end
