with

lines as (

    select string_split_regex(trim(line), ' +') as words
    from read_csv('{{ var("data_folder") }}/CDNOW_master.txt.gz', header=true, delim='|', columns={'line': 'varchar'})

)

select
    cast(words[1] as integer) as customer_id,
    cast(strptime(words[2], '%Y%m%d') as date) as purchased_on,
    cast(words[4] as decimal(10, 2)) as amount
from lines
