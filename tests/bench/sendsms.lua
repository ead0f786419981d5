-- SPDX-License-Identifier: ISC
-- sendsms.lua - wrk as an application: each request to another number.
local n = 0
local path

function init(args)
    path = args[1]
    n = math.random(0, 99999)
end

function request()
    n = (n + 1) % 100000
    return wrk.format("GET", string.format("%s&to=%%2B614124%05d", path, n))
end

function done(summary, latency, requests)
    io.write(string.format("rate %.0f errors %d\n",
        summary.requests / summary.duration * 1e6,
        summary.errors.status + summary.errors.read + summary.errors.timeout))
end
