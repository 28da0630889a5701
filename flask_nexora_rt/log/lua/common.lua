-- Shared by every script, put in front of it. KEYS[1]: the stream, KEYS[2]: its bounds.
local LOG, BOUNDS = KEYS[1], KEYS[2]

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A number as decimal digits: Lua would write 1.7636832001e+12.
local function digits(number)
  return string.format('%.0f', number)
end

local function split(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

local function less(a, b)
  local a_ms, a_seq = split(a)
  local b_ms, b_seq = split(b)
  return a_ms < b_ms or (a_ms == b_ms and a_seq < b_seq)
end

local function next_id(id)
  local ms, seq = split(id)
  return digits(ms) .. '-' .. digits(seq + 1)
end

-- Let the log begin anew after the id `seen`: a marker whose id is the floor from now on.
local function reset(seen)
  local id = digits(now_ms()) .. '-0'
  if seen and not less(seen, id) then
    id = next_id(seen)
  end
  local added = redis.pcall('XADD', LOG, id, 'reset', '1')
  if type(added) == 'table' then
    -- The stream has given out newer ids already, so its own next one is newer than `seen`.
    added = redis.call('XADD', LOG, '*', 'reset', '1')
  end
  redis.call('HSET', BOUNDS, 'floor', added, 'reset', added)
end

-- A new, flushed or evicted log starts with a floor, so that older cursors gap.
local function ensure_log()
  local floor = redis.call('HGET', BOUNDS, 'floor')
  if not floor or redis.call('EXISTS', LOG) == 0 then
    reset(floor)
  end
end

-- The last entry is never trimmed, so it names the newest id given out.
local function newest_id()
  return redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1][1]
end

local function bounds()
  local last = newest_id()
  local marks = redis.call('HMGET', BOUNDS, 'floor', 'reset')
  return {marks[1], last, marks[2]}
end
