-- What operators ask of a shard, in as many commands however much there is.
-- KEYS: held, wake, outbox, dead, open, runs, counts, model use, answers, messages, ready, archived, facts to
-- be sealed, then the runs of each state.
-- ARGV: ages of open requests in ms, ascending. Returns the time, what is counted, and from when the oldest are.
local now = now_ms()
local function oldest(key) return redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or '' end

local function oldest_of(one, other)
  local first, second = oldest(one), oldest(other)
  return (second == '' or (first ~= '' and tonumber(first) < tonumber(second))) and first or second
end

local by_age, before = {}, '+inf'
for _, age in ipairs(ARGV) do
  local since = whole(now - tonumber(age))
  by_age[#by_age + 1] = redis.call('ZCOUNT', KEYS[5], '(' .. since, before)
  before = since
end
by_age[#by_age + 1] = redis.call('ZCOUNT', KEYS[5], '-inf', before)

local by_state = {}
for position = 14, 13 + STATE_COUNT do by_state[#by_state + 1] = redis.call('ZCARD', KEYS[position]) end

-- The ids of these are times that Redis itself has given.
local unsealed, time = redis.call('XRANGE', KEYS[13], '-', '+', 'COUNT', '1')[1], redis.call('TIME')
local noted_at = unsealed and tonumber(string.match(unsealed[1], '^%d+'))
local waits = noted_at and math.max(0, tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - noted_at) or 0

-- Of those that are listed as held, some were discarded or done again since.
local quarantined = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  quarantined = quarantined + redis.call('HEXISTS', KEYS[4], id)
end
local dead = redis.call('HLEN', KEYS[4]) - quarantined

return {
  whole(now), redis.call('ZCARD', KEYS[6]), by_state, by_age, oldest(KEYS[5]),
  redis.call('ZCARD', KEYS[9]), redis.call('ZCARD', KEYS[10]) + redis.call('ZCARD', KEYS[11]),
  oldest(KEYS[9]), oldest_of(KEYS[10], KEYS[11]), oldest(KEYS[2]),
  redis.call('HLEN', KEYS[3]), dead, quarantined, redis.call('HGETALL', KEYS[7]), redis.call('HGETALL', KEYS[8]),
  redis.call('HGETALL', KEYS[12]), redis.call('XLEN', KEYS[13]), whole(waits),
}
