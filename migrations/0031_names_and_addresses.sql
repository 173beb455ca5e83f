-- Customers in the order of what they are called: the company, or the person where there is none.
CREATE INDEX customers_by_display_name ON customers (coalesce(company, name) COLLATE NOCASE, id);
-- The search over everything finds mail by its address.
CREATE INDEX messages_by_recipient ON messages (recipient COLLATE NOCASE, id);
