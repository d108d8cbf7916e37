nav-audit = Audit
audit-title = Audit log
audit-person = Person
audit-person-hint = whole name or login
audit-nobody = not signed in
audit-kind = Kind
audit-every-kind = Every kind
audit-kind-command = done
audit-kind-refusal = refused
audit-kind-reveal = revealed
audit-kind-export = taken out
audit-kind-print = printed
audit-kind-login = signed in
audit-kind-logout = signed out
audit-verb = What
audit-from = From
audit-to = To
audit-area = Area
audit-everywhere = Everywhere
audit-show = Show
audit-count = { $n ->
    [one] 1 line
   *[other] { $n } lines
}
audit-none = No line fits. Please widen the search.
audit-time = Time
audit-about = About
audit-outcome = Outcome
audit-more = Details
audit-number = Number
audit-done = done
audit-rows = { $n ->
    [one] 1 row
   *[other] { $n } rows
}
audit-unlisted = { $n } more not listed one by one
audit-newest = Newest
audit-older = Older

seen-title = Who has seen or changed this household
seen-title-of = Who has seen or changed: { $name } ({ $number })
seen-print = Print
seen-how = Listed here: what was done on this household, sensitive fields that were revealed, prints, and files that held it or may have. Sensitive fields are masked on every page, so a mere look at a page is not listed.
seen-count = { $n ->
    [one] 1 line
   *[other] { $n } lines
}, as of { $time }
seen-cut = Older lines are not shown; please ask the auditor.
seen-none = Nothing yet.
household-seen = Who has seen it

posting-log-head = Log proof ({ $day }, no. { $seal })

audit-verb-save-sheet = scored a visit
audit-verb-settle = settled the score
audit-verb-close-scoring = closed scoring
audit-verb-agree-where-equal = settled all equal scores
audit-verb-finish-review = finished the review
audit-verb-post = posted the list
audit-verb-object = recorded an objection
audit-verb-answer = answered an objection
audit-verb-certify = certified and credited
audit-verb-redeem = redeemed points
audit-verb-reverse = reversed a redemption
audit-verb-award = awarded a bonus
audit-verb-issue-card = issued a card
audit-verb-freeze-card = froze a card
audit-verb-declare-kinship = declared kinship
audit-verb-import-register = brought in the register
audit-verb-receive-register = received the register's file
audit-verb-import-areas = brought in areas
audit-verb-import-year = brought in holidays
audit-verb-open-round = opened the month
audit-verb-upload-scheme = uploaded a scheme
audit-verb-adopt-scheme = adopted a scheme
audit-verb-open-place = opened a store
audit-verb-edit-good = edited a good
audit-verb-receive = received a donation
audit-verb-move-goods = moved goods
audit-verb-write-off = wrote goods off
audit-verb-announce = announced a market day
audit-verb-add-person = added a person
audit-verb-give-post = gave a post
audit-verb-sign-in = signed in
audit-verb-sign-out = signed out
audit-verb-reveal = revealed a field
audit-verb-strangers = tries without a login
audit-verb-households = list of households
audit-verb-batches = list of batches
audit-verb-objections = list of objections
audit-verb-visits = list of visits
audit-verb-review = review of a village
audit-verb-cards = list of cards
audit-verb-redemptions = redemptions of a market day
audit-verb-imports = past imports
audit-verb-goods = list of goods
audit-verb-expiring = goods soon out of date
audit-verb-donations = list of donations
audit-verb-market-days = list of market days
audit-verb-audit = the log
