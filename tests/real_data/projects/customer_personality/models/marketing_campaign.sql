select * from read_csv('{{ var("data_folder") }}/marketing_campaign.csv', dateformat='%d-%m-%Y')
