-- The one clock of all scripts, in milliseconds: Redis time, plus an offset that only tests may set, plus what this shard
-- is ahead. Where Redis time went back, the shard's time goes on from where it was, and a tenth slower until the two meet
-- again: so no deadline moves away by more than a ninth of what is left. `server_clock.py` reads the same two keys.
local function whole(number)
  return string.format('%.0f', number)
end

-- It returns with the time the values of the keys `...`, read in the same command.
local function now_ms(...)
  local time = redis.call('TIME')
  local found = redis.call('MGET', clock, clock_seen, ...)
  local offset, seen = unpack(found, 1, 2)
  local raw = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(offset or 0)
  local last, ahead = string.match(seen or '', '^(%d+) (%d+)$')
  last, ahead = tonumber(last or raw), tonumber(ahead or 0)
  local passed = raw - last
  if passed < 0 then ahead = ahead - passed end -- check: back
  if passed > 0 then ahead = math.max(0, ahead - math.floor(passed / 10)) end -- check: meets
  -- Noted once a second: more would be a write to the log for every question.
  if not seen or passed < 0 or passed >= 1000 then redis.call('SET', clock_seen, whole(raw) .. ' ' .. whole(ahead)) end
  return raw + ahead, unpack(found, 3)
end
